"""Presets: the packaged networks and their cards, and folders that a network is saved to."""

import configparser
import json
from importlib.resources import files
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
from learning.networks import four_joints, make, targets_of
from oracles import Pinocchio

import fkarm
from fkarm.geometry import matrix_to_pose
from fkarm.learning import IKFlow, IKRegressor
from fkarm.learning.presets import FOLDER

TARGETS = 400
both = pytest.mark.parametrize("kind", [IKRegressor, IKFlow])
every = pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name == "panda" else pytest.mark.in_test_all("every case"))
        for name in IKRegressor.presets
    ],
)


@pytest.fixture(scope="module")
def arm():
    return four_joints()


def output(model):
    """What a network returns for some poses."""
    targets = targets_of(model.robot, 20)[0].astype("float32")
    return keras.ops.convert_to_numpy(model(matrix_to_pose(targets, "xyz_rot6d")))


def by_pinocchio(name, q, link):
    """The poses that configurations of a packaged arm reach."""
    oracle = Pinocchio(text=(files(fkarm.robots) / f"{name}.urdf").read_text())
    places = getattr(fkarm.robots, name)().coordinates
    rows = [{joint: row[place.index] for joint, place in places.items()} for row in q]
    return np.stack([oracle.poses(row, [link])[0] for row in rows])


def errors(reached, targets):
    """Position errors in mm and orientation errors in degrees."""
    turn = np.swapaxes(reached[:, :3, :3], 1, 2) @ targets[:, :3, :3]
    cosine = (np.trace(turn, axis1=1, axis2=2) - 1) / 2
    apart = np.linalg.norm(reached[:, :3, 3] - targets[:, :3, 3], axis=-1)
    return 1e3 * apart, np.degrees(np.arccos(np.clip(cosine, -1, 1)))


@every
def test_a_packaged_network_is_as_accurate_as_its_card_says(name):
    model = IKRegressor.from_preset(name)
    assert model.robot == getattr(fkarm.robots, name)()
    q = fkarm.sample_configurations(model.robot, TARGETS, seed=123)
    targets = by_pinocchio(name, q, model.link)
    uniform = [row for row in model.presets[name]["rows"] if row["set"] == "uniform"]
    alone, three = (
        next(row for row in uniform if row["steps"] == steps and not row["solver"])
        for steps in (0, 3)
    )
    q = model.predict_ik(targets, 0, retry=False).q
    millimetres, degrees = errors(by_pinocchio(name, q, model.link), targets)
    # The median of 400 targets is within 30 % of that of 10,000.
    assert np.median(millimetres) == pytest.approx(alone["median_mm"], rel=0.3)
    assert np.median(degrees) == pytest.approx(alone["median_deg"], rel=0.3)
    q = model.predict_ik(targets, 3, retry=False).q
    millimetres, degrees = errors(by_pinocchio(name, q, model.link), targets)
    share = np.mean((millimetres <= 1.0) & (np.radians(degrees) <= 0.01))
    assert share == pytest.approx(three["success"], abs=0.05)
    answers = model.predict_ik(targets)
    assert answers.converged.mean() >= 0.99


def test_every_preset_has_a_card_and_is_small():
    folders = {folder.name for folder in FOLDER.iterdir()}
    assert folders
    assert folders == set(IKRegressor.presets) <= set(fkarm.robots.__all__)
    assert IKFlow.presets == {}
    total = 0
    for name, card in IKRegressor.presets.items():
        sizes = {file.name: file.stat().st_size for file in (FOLDER / name).iterdir()}
        assert set(sizes) == {"config.json", "model.weights.h5", "card.json", "card.md"}
        assert sum(sizes.values()) < 1.5e6
        assert card["weights_kb"] == round(sizes["model.weights.h5"] / 1000)
        total += sum(sizes.values())
    assert total < 12e6


def test_setup_packages_every_file_of_the_presets():
    setup = configparser.ConfigParser()
    setup.read(Path(fkarm.__file__).parent.parent / "setup.cfg")
    patterns = setup["options.package_data"]["fkarm.learning"].split()
    packaged = {file for pattern in patterns for file in FOLDER.parent.glob(pattern)}
    assert packaged == {file for file in FOLDER.rglob("*") if file.is_file()}


@both
def test_a_network_in_a_folder_is_loaded_as_it_was_saved(kind, arm, rng, tmp_path):
    model, folder = make(kind, arm), tmp_path / "new" / "arm"
    for weight in model.trainable_variables:
        weight.assign(rng.normal(size=weight.shape))
    model.save_to_preset(folder)
    assert {file.name for file in folder.iterdir()} == {"config.json", "model.weights.h5"}
    loaded = kind.from_preset(str(folder))
    assert type(loaded) is kind
    assert not loaded.compiled
    assert loaded.get_config() == model.get_config()
    np.testing.assert_array_equal(output(loaded), output(model))


def test_an_optimizer_is_not_saved(arm, tmp_path):
    model = make(IKRegressor, arm)
    model.optimizer.build(model.trainable_variables)
    model.save_weights(tmp_path / "all.weights.h5")
    model.save_to_preset(tmp_path)
    groups = {}
    for file in ("all.weights.h5", "model.weights.h5"):
        with h5py.File(tmp_path / file) as content:
            groups[file] = set(content)
    assert groups["all.weights.h5"] - groups["model.weights.h5"] == {"optimizer"}


def test_weights_may_be_rounded_in_the_file_that_replaces_another(arm, tmp_path):
    model, sizes = IKRegressor(arm, width=128, depth=3), []
    for dtype in (None, "float16"):
        model.save_to_preset(tmp_path, weights_dtype=dtype)
        sizes.append((tmp_path / "model.weights.h5").stat().st_size)
    assert sizes[0] - sizes[1] == pytest.approx(2 * model.count_params(), rel=0.05)
    loaded = IKRegressor.from_preset(tmp_path)
    for ours, theirs in zip(loaded.get_weights(), model.get_weights(), strict=True):
        assert ours.dtype == np.float32
        np.testing.assert_array_equal(ours, theirs.astype("float16").astype("float32"))
    with pytest.raises(ValueError, match="weights_dtype must be one of: 'float16'"):
        model.save_to_preset(tmp_path, weights_dtype="int8")


def test_the_architecture_comes_without_the_weights_and_arguments_are_replaced(arm, tmp_path):
    model = make(IKRegressor, arm)
    model.save_to_preset(tmp_path)
    new = IKRegressor.from_preset(tmp_path, load_weights=False, name="mine")
    assert new.name == "mine"
    assert new.get_config() == {**model.get_config(), "name": "mine"}
    assert np.abs(output(new) - output(model)).max() > 0.01
    assert IKRegressor.from_preset(tmp_path, dtype="float64").variable_dtype == "float64"


def test_a_name_is_packaged_and_a_path_is_a_folder(arm, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make(IKRegressor, arm).save_to_preset("panda")
    assert IKRegressor.from_preset("panda").robot.name == "panda"
    assert IKRegressor.from_preset("./panda").robot == arm


def test_an_unknown_preset_is_answered_with_the_names_there_are():
    said = (
        "preset must be one of: 'panda'.* Received: 'pandda'. Did you mean 'panda'. Or give the "
        "path of a folder that save_to_preset wrote"
    )
    with pytest.raises(ValueError, match=said):
        IKRegressor.from_preset("pandda")
    with pytest.raises(ValueError, match=r"one of: \(none\). Received: 'panda'"):
        IKFlow.from_preset("panda")


def test_a_path_without_a_folder_is_answered_as_a_path(tmp_path):
    (tmp_path / "file").touch()
    known = "or the name of a packaged preset: 'fr3', .*'ur5e'"
    for path, said in (
        ("/nope", rf"{known}.* Received: '/nope', and there is no such folder\.$"),
        (tmp_path / "none", "none', and there is no such folder"),
        (tmp_path / "file", "file', which is no folder"),
    ):
        with pytest.raises(ValueError, match=said):
            IKRegressor.from_preset(path)
    with pytest.raises(ValueError, match=r"packaged preset: \(none\)\. Received: './panda'"):
        IKFlow.from_preset("./panda")


def test_folders_that_are_no_preset_of_the_class_are_refused(arm, tmp_path):
    with pytest.raises(ValueError, match=r"must hold config.json and .* without config.json"):
        IKRegressor.from_preset(tmp_path)
    make(IKFlow, arm).save_to_preset(tmp_path)
    with pytest.raises(ValueError, match="fkarm>IKRegressor. Received: one of fkarm>IKFlow. Load"):
        IKRegressor.from_preset(tmp_path)
    (tmp_path / "model.weights.h5").unlink()
    with pytest.raises(ValueError, match=r"without model.weights.h5"):
        IKFlow.from_preset(tmp_path)
    for text in ("{", "[1]", json.dumps({"config": {}})):
        (tmp_path / "config.json").write_text(text)
        with pytest.raises(ValueError, match=r"config.json must be as save_to_preset writes it"):
            IKRegressor.from_preset(tmp_path)
