"""What `import fkarm` imports, and what it leaves until it is used."""

import subprocess
import sys

import keras
import pytest

import fkarm
from fkarm import _registered

TENSOR_LIBRARIES = {"keras", "tensorflow", "jax", "torch"}


def run(code):
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True)


@pytest.mark.in_test_all("process")
def test_learning_primers_and_viz_are_imported_when_first_used():
    run(
        "import sys, fkarm; assert 'fkarm.learning' not in sys.modules; "
        "fkarm.learning.pose_stream; assert 'fkarm.primers' not in sys.modules; "
        "fkarm.primers.detach; assert 'fkarm.viz' not in sys.modules; fkarm.viz.draw_robot"
    )


def test_inspect_and_robots_need_no_tensor_library(tmp_path):
    path = tmp_path / "arm.urdf"
    path.write_text(fkarm.robots.planar([0.5, 0.4]).to_urdf())
    run(
        "import sys, fkarm; from fkarm.__main__ import main; "
        f"assert main(['inspect', {str(path)!r}, '--json']) == 0; "
        "fkarm.robots.panda().configuration({}, default=0.0); dir(fkarm); "
        f"assert not {TENSOR_LIBRARIES} & {{name.split('.')[0] for name in sys.modules}}"
    )


def test_every_name_is_at_hand_and_a_misspelt_one_is_not():
    assert {*fkarm.__all__, "learning", "primers", "viz"} <= set(dir(fkarm))
    assert fkarm.solve_ik is fkarm.ik.solve_ik
    with pytest.raises(AttributeError, match="no attribute 'lerning'"):
        _ = fkarm.lerning


@pytest.fixture
def registry():
    """Keras' registry, which is the same again after the test."""
    objects = keras.saving.get_custom_objects()
    before = dict(objects)
    yield objects
    objects.clear()
    objects.update(before)


def test_keras_opens_configurations_of_classes_that_are_not_imported_yet(registry):
    arm = fkarm.robots.planar([0.5, 0.4])
    things = [fkarm.layers.JointLimits(arm), fkarm.losses.PoseLoss(), fkarm.metrics.PoseSuccess()]
    configs = [keras.saving.serialize_keras_object(thing) for thing in things]
    for name in [name for name in registry if name.startswith("fkarm>")]:
        del registry[name]
    _registered.register_with_keras()
    assert isinstance(registry["fkarm>PoseLoss"], _registered.Deferred)
    for thing, config in zip(things, configs, strict=True):
        again = keras.saving.deserialize_keras_object(config)
        assert type(again) is type(thing)
        assert again.get_config() == thing.get_config()


ORDERS = """
import importlib.util, sys, fkarm
assert importlib.util.find_spec("keras")  # looking for Keras must not lose the registration
assert "keras" not in sys.modules
import keras
assert keras.__spec__.loader.get_source("keras")
arm = fkarm.robots.planar([0.5])
assert keras.saving.serialize_keras_object(arm)["registered_name"] == "fkarm>Robot"
assert "fkarm.layers" not in sys.modules
names = {"class_name": "PoseLoss", "registered_name": "fkarm>PoseLoss"}
loss = keras.saving.deserialize_keras_object({"module": "any", **names, "config": {}})
assert type(loss) is fkarm.losses.PoseLoss
assert "fkarm.layers" not in sys.modules
"""


@pytest.mark.in_test_all("process")
def test_keras_knows_the_classes_when_it_is_imported_after_fkarm():
    run(ORDERS)
