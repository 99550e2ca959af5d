"""Models and objects are restored: from files, as copies, in another process, in a training."""

import copy
import functools
import io
import json
import pickle
import subprocess
import sys
import zipfile

import keras
import numpy as np
import pytest
from contract.cases import ARM, BATCH, MODELS, ROWS, make, outputs, supporting

import fkarm

# Other ways to compile a model are tested in `test_compile.py`.
EAGERLY = {"run_eagerly": True, "jit_compile": False}


def fit(case, model, epochs=1):
    model.fit(case.x, case.y, BATCH, epochs, shuffle=False, verbose=0)


@functools.cache
def trained(name):
    """A case after one epoch. Tests must not change it."""
    case = make(name, **EAGERLY)
    fit(case, case.model)
    return case


def losses(case, model):
    return model.evaluate(case.x, case.y, verbose=0, return_dict=True)


def check_equal(case, again):
    for actual, expected in zip(outputs(again, case.x), outputs(case.model, case.x), strict=True):
        np.testing.assert_array_equal(actual, expected)


@supporting("file")
def test_a_trained_model_is_restored_from_its_file(name, tmp_path):
    case = trained(name)
    case.model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras", safe_mode=True)
    check_equal(case, loaded)
    assert losses(case, loaded) == losses(case, case.model)
    for layer, saved in zip(loaded.layers, case.model.layers, strict=True):
        if hasattr(saved, "robot"):
            assert layer.robot == saved.robot


@supporting("file")
def test_a_model_is_restored_from_its_configuration_and_weights(name, tmp_path):
    case = trained(name)
    case.model.save_weights(tmp_path / "model.weights.h5")
    for again in (
        keras.models.model_from_json(case.model.to_json()),
        keras.models.clone_model(case.model),
    ):
        again.load_weights(tmp_path / "model.weights.h5")
        check_equal(case, again)


@supporting("file")
def test_a_model_is_pickled_and_copied(name):
    case = trained(name)
    for again in (pickle.loads(pickle.dumps(case.model)), copy.deepcopy(case.model)):
        check_equal(case, again)


@pytest.mark.parametrize(
    ("name", "thing"), [(name, each) for name, (_, held) in MODELS.items() for each in held]
)
def test_the_object_itself_is_serialised_pickled_and_copied(name, thing):
    thing = trained(name).objects[thing]
    text = json.dumps(keras.saving.serialize_keras_object(thing))
    for again in (
        keras.saving.deserialize_keras_object(json.loads(text), safe_mode=True),
        pickle.loads(pickle.dumps(thing)),
        copy.deepcopy(thing),
    ):
        assert type(again) is type(thing)
        assert again.get_config() == thing.get_config()


OPEN = """
import sys
import fkarm
assert "keras" not in sys.modules
import keras, numpy as np
assert "fkarm.layers" not in sys.modules
folder = sys.argv[1]
for name in sys.argv[2:]:
    model = keras.models.load_model(f"{folder}/{name}.keras")
    x = np.load(f"{folder}/{name}_x.npy")
    actual = keras.tree.flatten(model(x))
    np.savez(f"{folder}/{name}_outputs.npz", *map(np.asarray, actual))
"""


@pytest.mark.in_test_all("process")
def test_a_process_that_imports_only_fkarm_opens_every_file(tmp_path):
    for name in MODELS:
        case = trained(name)
        case.model.save(tmp_path / f"{name}.keras")
        np.save(tmp_path / f"{name}_x.npy", case.x)
    command = [sys.executable, "-W", "ignore", "-c", OPEN, str(tmp_path), *MODELS]
    subprocess.run(command, check=True, cwd=tmp_path)
    for name in MODELS:
        case = trained(name)
        actual = np.load(tmp_path / f"{name}_outputs.npz").values()
        for array, expected in zip(actual, outputs(case.model, case.x), strict=True):
            np.testing.assert_array_equal(array, expected)


@supporting("resume")
def test_training_resumes_from_a_file_as_if_it_had_not_stopped(name, tmp_path):
    case = make(name, **EAGERLY)
    fit(case, case.model)
    case.model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert int(loaded.optimizer.iterations) == ROWS // BATCH
    for model in (case.model, loaded):  # uninterrupted, and from the file
        fit(case, model)
    for first, second in zip(case.model.weights, loaded.weights, strict=True):
        np.testing.assert_array_equal(first, second)
    expected = case.model.optimizer.variables
    for first, second in zip(expected, loaded.optimizer.variables, strict=True):
        np.testing.assert_array_equal(first, second)


@keras.saving.register_keras_serializable(package="contract")
class Holder(keras.layers.Layer):
    """A layer with a robot, as a user may write it."""

    def __init__(self, robot, **kwargs):
        super().__init__(**kwargs)
        self.robot = robot

    def call(self, q):
        return fkarm.forward_kinematics(self.robot, q, "tool")

    def get_config(self):
        robot = keras.saving.serialize_keras_object(self.robot)
        return {**super().get_config(), "robot": robot}

    @classmethod
    def from_config(cls, config):
        robot = keras.saving.deserialize_keras_object(config.pop("robot"))
        return cls(robot, **config)


def test_any_layer_can_contain_a_robot(tmp_path):
    model = keras.Sequential([keras.Input((3,)), Holder(ARM)])
    model.save(tmp_path / "model.keras")
    assert keras.models.load_model(tmp_path / "model.keras").layers[-1].robot == ARM


def with_robot_format(data, number):
    """The bytes of a `.keras` file after its robots are given another format number."""
    changed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(changed, "w") as new:
        for entry in old.namelist():
            text = old.read(entry)
            if entry == "config.json":
                assert b'"format": 2' in text
                text = text.replace(b'"format": 2', f'"format": {number}'.encode())
            new.writestr(entry, text)
    return changed.getvalue()


def test_a_file_of_a_newer_fkarm_is_refused(tmp_path):
    path = tmp_path / "model.keras"
    make("reach").model.save(path)
    path.write_bytes(with_robot_format(path.read_bytes(), 3))
    with pytest.raises(fkarm.RobotError, match=r"at most 2.*Received: 3, written by a newer fkarm"):
        keras.models.load_model(path)
