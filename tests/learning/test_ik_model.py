"""What IKRegressor and IKFlow have in common: answers, learning, files, refusals."""

import pickle
import subprocess
import sys

import keras
import numpy as np
import pytest
from ik.clearance.test_search import LEAST, planar_arm, planar_distance
from learning.networks import batches, four_joints, make, targets_of
from oracles import pose

import fkarm
from fkarm.geometry import matrix_to_pose
from fkarm.learning import IKFlow, IKRegressor, PoseBatches
from fkarm.learning.ik_model import IKModel

LOAD = """
import sys, numpy as np, keras, fkarm
model = keras.models.load_model(sys.argv[1])
assert type(model).__name__ == sys.argv[3], type(model)
x, q = np.load(sys.argv[2]).values()
print(np.abs(model.candidates(x) - q).max() if sys.argv[3] == "IKRegressor" else 0.0)
print(model.optimizer.iterations.numpy())
"""

both = pytest.mark.parametrize("kind", [IKRegressor, IKFlow])


@pytest.fixture(scope="module")
def arm():
    return four_joints()


@both
def test_candidates_are_within_the_limits(kind, arm, rng):
    model = make(kind, arm)
    for weight in model.trainable_variables:
        weight.assign(5.0 * rng.normal(size=weight.shape))
    x = matrix_to_pose(targets_of(arm, 50)[0].astype("float32"), "xyz_rot6d")
    q = np.asarray(model.candidates(x))
    assert q.shape == (50, 8 if kind is IKFlow else 3, 4)
    bounded = [0, 1, 2]
    assert (q[..., bounded] >= arm.lower_limits[bounded]).all()
    assert (q[..., bounded] <= arm.upper_limits[bounded]).all()
    assert (np.abs(q[..., 3]) <= np.float32(np.pi)).all()


@pytest.mark.parametrize(
    "kind", [IKRegressor, pytest.param(IKFlow, marks=pytest.mark.in_test_all("every case"))]
)
def test_the_loss_falls(kind, arm):
    model = make(kind, arm, run_eagerly=False)
    history = model.fit(batches(model, 30), epochs=4, shuffle=False, verbose=0).history
    assert history["loss"][-1] < 0.9 * history["loss"][0]
    assert {"position_error_mm", "orientation_error_deg"} <= set(history)


@both
def test_answers_are_exact_after_the_solver(kind, arm):
    model = make(kind, arm)
    targets, _ = targets_of(arm, (4, 5))
    found = model.predict_ik(targets, position_tolerance=1e-4, orientation_tolerance=1e-3)
    assert found.q.shape == (4, 5, 4)
    assert found.converged.all()
    reached = np.asarray(fkarm.forward_kinematics(arm, found.q, arm.end_effector))
    assert np.abs(reached - targets).max() < 1e-3
    assert (found.q >= arm.lower_limits).all()
    assert (found.q <= arm.upper_limits).all()


def test_answers_keep_clear(rng):
    arm = planar_arm()
    q = fkarm.sample_configurations(arm, 100, seed=1)
    q = q[planar_distance(q) >= LEAST]
    targets, model = np.asarray(fkarm.forward_kinematics(arm, q)), make(IKRegressor, arm)
    given = {"task": "position", "clearance": LEAST}
    first = model.predict_ik(targets, steps=20, retry=False, **given)
    np.testing.assert_allclose(first.clearance, planar_distance(first.q), atol=1e-9)
    assert (first.reason == "COLLISION").any()
    assert not (first.converged & (first.clearance < LEAST)).any()
    found = model.predict_ik(targets, steps=20, **given)
    assert found.converged.all()
    assert planar_distance(found.q).min() >= LEAST
    np.testing.assert_array_equal(found.q[first.converged], first.q[first.converged])
    wall = fkarm.collision.HalfSpace((0, 1, 0), 9.0)  # everything lies behind it
    behind = model.predict_ik(targets[:2], obstacles=iter([wall]), **given)
    assert (behind.reason == "COLLISION").all()


@both
def test_any_batch_of_targets_is_answered(kind, arm):
    model = make(kind, arm)
    targets, _ = targets_of(arm, (2, 3))
    assert model.predict_ik(targets[0, 0]).q.shape == (4,)
    assert model.predict_ik(targets[:, :0]).q.shape == (2, 0, 4)
    assert model.predict_ik(targets).q.dtype == np.float64
    assert model.predict_ik(targets.astype("float32")).q.dtype == np.float32
    spoilt = targets.copy()
    spoilt[0, 1, 0, 0] = np.nan
    found = model.predict_ik(spoilt)
    assert np.isnan(found.position_error[0, 1])
    assert found.converged.sum() == 5


@pytest.mark.in_test_all("process")
@both
def test_a_file_carries_the_robot_the_weights_and_the_training(kind, arm, tmp_path):
    model = make(kind, arm)
    model.fit(batches(model, 3), shuffle=False, verbose=0)
    x, _ = batches(model)[1]
    model.save(tmp_path / "model.keras")
    np.savez(tmp_path / "data.npz", x, np.asarray(model.candidates(x)))
    command = [sys.executable, "-c", LOAD, tmp_path / "model.keras", tmp_path / "data.npz"]
    ran = subprocess.run([*command, kind.__name__], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["0.0", "3"]
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.robot == arm
    loaded.fit(batches(model, 2), shuffle=False, verbose=0)


@both
def test_it_is_pickled_and_loads_weights(kind, arm, tmp_path):
    model = make(kind, arm)
    x, y = batches(model)[0]
    model.train_on_batch(x, y)
    other = make(kind, arm)
    other.train_on_batch(x, y)
    model.train_on_batch(x, y)
    model.save_weights(tmp_path / "model.weights.h5")
    other.load_weights(tmp_path / "model.weights.h5")
    again = pickle.loads(pickle.dumps(model))
    for each in (other, again):
        for old, new in zip(model.weights, each.weights, strict=True):
            np.testing.assert_array_equal(old, new)
    if kind is IKRegressor:
        np.testing.assert_array_equal(model.predict(x, verbose=0), again.predict(x, verbose=0))


@pytest.mark.in_test_all("every case")
@both
@pytest.mark.parametrize("jit", [False, True])
def test_it_trains_with_and_without_xla(kind, arm, jit):
    model = make(kind, arm)
    model.compile("sgd", jit_compile=jit)
    model.fit(batches(model, 2), shuffle=False, verbose=0)


@both
@pytest.mark.parametrize("dtype", ["float64", "mixed_bfloat16"])
def test_a_model_computes_in_its_own_dtype(kind, arm, dtype):
    model = make(kind, arm, dtype=dtype)
    policy = keras.DTypePolicy(dtype)
    assert {weight.dtype for weight in model.trainable_variables} == {policy.variable_dtype}
    dense = [layer for layer in model._flatten_layers() if isinstance(layer, keras.layers.Dense)]
    used = {layer.compute_dtype for layer in dense}
    assert used == {policy.compute_dtype, policy.variable_dtype}
    assert keras.models.clone_model(model).dtype_policy.name == dtype
    model.fit(batches(model, 2), shuffle=False, verbose=0)
    assert model(np.zeros((2, 9), "float32")).dtype == "float32"


SLIDES = [
    [fkarm.Joint("base", "planar"), fkarm.Joint("arm", axis="y", xyz=(0, 0, 0.2))],
    [
        fkarm.Joint("screw", axis="z"),
        fkarm.Joint("nut", "prismatic", axis="z", mimic=fkarm.Mimic("screw", 0.1)),
    ],
]


@pytest.mark.parametrize("joints", SLIDES, ids=["planar", "mimic"])
def test_positions_count_where_joints_slide_without_limits(joints):
    robot = fkarm.Robot.from_joints(joints, tool=(0.1, 0, 0))
    x = np.tile(matrix_to_pose(np.eye(4, dtype="float32"), "xyz_rot6d"), (2, 1))
    x[1, :3] = 0.5
    q = np.asarray(make(IKRegressor, robot)(x))
    assert np.abs(q[0] - q[1]).max() > 1e-3
    scale = make(IKFlow, robot)._scales[0]
    assert (scale > 0).all()


@both
def test_a_wrist_without_lengths_is_a_robot_too(kind):
    wrist = fkarm.Robot.from_joints([fkarm.Joint("a"), fkarm.Joint("b", axis="y")])
    model = make(kind, wrist)
    assert np.isfinite(model.propose(np.zeros((2, 9), "float32"))).all()


# Refusals


@both
def test_bad_arguments_are_refused(kind, arm, free_robot):
    with pytest.raises(TypeError, match=r"robot must be a fkarm\.Robot"):
        kind("panda")
    with pytest.raises(fkarm.UnknownLinkError):
        kind(arm, "elbow")
    with pytest.raises(ValueError, match="joint that may move"):
        kind(arm, arm.root_link)
    with pytest.raises(fkarm.RobotError, match="fixed base"):
        kind(free_robot)
    rail = fkarm.Robot.from_joints([fkarm.Joint("rail", "prismatic"), fkarm.Joint("b")])
    with pytest.raises(fkarm.RobotError, match="both limits"):
        kind(rail)
    with pytest.raises(ValueError, match="width must be a whole number >= 1"):
        kind(arm, width=0)
    model = make(kind, arm)
    with pytest.raises(ValueError, match="steps must be a whole number >= 0"):
        model.predict_ik(np.eye(4), steps=-1)
    with pytest.raises(ValueError, match="target_poses must have shape"):
        model.predict_ik(np.zeros((2, 9)))
    for shape in ((2, 7), (9,), (2, 3, 9)):
        for call in (model, model.propose):
            with pytest.raises(ValueError, match=r"pose must have shape \(n, 9\).*xyz_rot6d"):
                call(np.zeros(shape, "float32"))


@both
def test_labels_of_the_other_kind_are_refused(kind, arm):
    right = "configuration" if kind is IKFlow else "pose"
    wrong = "pose" if kind is IKFlow else "configuration"
    assert kind.labels == right
    data = PoseBatches(arm, labels=wrong, batch_size=8, steps_per_epoch=1)
    with pytest.raises(ValueError, match=rf"labels of .*Try pose_stream.*labels='{right}'"):
        make(kind, arm).fit(data, shuffle=False, verbose=0)
    with pytest.raises(ValueError, match="labels of .* Received: shape None"):
        make(kind, arm).evaluate(np.zeros((8, 9), "float32"), verbose=0)


def test_a_model_must_say_its_candidates(arm):
    with pytest.raises(NotImplementedError):
        IKModel(arm, None).candidates(pose())
