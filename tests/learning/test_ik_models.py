"""IKRegressor and IKFlow: what they answer, learn, keep in a file and refuse."""

import pickle
import subprocess
import sys

import keras
import numpy as np
import pytest
from oracles import pose

import fkarm
from fkarm.geometry import matrix_to_pose
from fkarm.learning import IKFlow, IKRegressor, PoseBatches
from fkarm.learning.ik_model import IKModel

LENGTHS = (0.5, 0.4, 0.3, 0.2)
LOAD = """
import sys, numpy as np, keras, fkarm
model = keras.models.load_model(sys.argv[1])
assert type(model).__name__ == sys.argv[3], type(model)
x, q = np.load(sys.argv[2]).values()
print(np.abs(model.candidates(x) - q).max() if sys.argv[3] == "IKRegressor" else 0.0)
print(model.optimizer.iterations.numpy())
"""


@pytest.fixture(scope="module")
def arm():
    """Four joints, one of them endless, one that slides."""
    joints = [
        fkarm.Joint("turn", axis="z", lower=-2.5, upper=2.0),
        fkarm.Joint("lift", axis="y", xyz=(0, 0, 0.4), lower=-1.5, upper=1.5),
        fkarm.Joint("rail", "prismatic", axis="x", xyz=(0.2, 0, 0), lower=0.0, upper=0.5),
        fkarm.Joint("wrist", "continuous", axis="x", xyz=(0.1, 0, 0)),
    ]
    return fkarm.Robot.from_joints(joints, tool=(0.1, 0.05, 0.0), name="arm")


def make(kind, robot, **options):
    keras.utils.set_random_seed(0)
    sizes = {"depth": 2, "bins": 4} if kind is IKFlow else {"heads": 3, "depth": 2}
    model = kind(robot, width=16, **{**sizes, **options})
    model.compile(keras.optimizers.Adam(1e-2, global_clipnorm=10.0))
    return model


def batches(model, steps=10, batch_size=32):
    target = "configuration" if isinstance(model, IKFlow) else "pose"
    return PoseBatches(model.robot, model.link, batch_size, steps, target=target)


def targets_of(robot, shape, seed=5):
    q = fkarm.sample_configurations(robot, shape, seed=seed)
    return np.asarray(fkarm.forward_kinematics(robot, q, robot.end_effector)), q


both = pytest.mark.parametrize("kind", [IKRegressor, IKFlow])


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


@both
def test_the_loss_falls(kind, arm):
    model = make(kind, arm)
    history = model.fit(batches(model, 30), epochs=4, shuffle=False, verbose=0).history
    assert history["loss"][-1] < 0.9 * history["loss"][0]
    assert {"position_error_mm", "orientation_error_deg"} <= set(history)


def test_metrics_are_of_the_best_head_and_the_loss_of_all(arm):
    model = make(IKRegressor, arm)
    x, y = batches(model)[0]
    poses = np.asarray(fkarm.forward_kinematics(arm, np.asarray(model(x)), arm.end_effector))
    apart = np.linalg.norm(poses[..., :3, 3] - y[:, None, :3, 3], axis=-1)
    turn = poses[..., :3, :3] @ np.swapaxes(y[:, None, :3, :3], -1, -2)
    angle = np.arccos(np.clip((np.trace(turn, axis1=-2, axis2=-1) - 1) / 2, -1, 1))
    losses = apart + 0.3 * angle
    best = losses.argmin(axis=1)
    found = model.evaluate(x, y, verbose=0, return_dict=True)
    rows = np.arange(len(x))
    assert found["position_error_mm"] == pytest.approx(1e3 * apart[rows, best].mean(), rel=1e-4)
    assert found["orientation_error_deg"] == pytest.approx(
        np.degrees(angle[rows, best].mean()), rel=1e-3
    )
    wanted = (0.95 * losses.min(axis=1) + 0.05 * losses.mean(axis=1)).mean()
    assert found["loss"] == pytest.approx(wanted, rel=1e-4)


def test_other_losses_and_metrics_may_be_given(arm):
    model = make(IKRegressor, arm)
    model.compile(
        "sgd", fkarm.losses.BestHeadPoseLoss(relaxation=1.0), metrics=[fkarm.metrics.PoseSuccess()]
    )
    found = model.evaluate(*batches(model)[0], verbose=0, return_dict=True)
    assert set(found) == {"loss", "pose_success"}


@both
def test_answers_are_exact_after_the_solver(kind, panda):
    robot = panda.sub_chain(panda.root_link, "panda_hand")
    model = make(kind, robot)
    targets, _ = targets_of(robot, (4, 5))
    found = model.predict_ik(targets, position_tolerance=1e-4, orientation_tolerance=1e-3)
    assert found.q.shape == (4, 5, 7)
    assert found.converged.all()
    reached = np.asarray(fkarm.forward_kinematics(robot, found.q.astype("float64"), "panda_hand"))
    assert np.abs(reached - targets).max() < 1e-3
    assert (found.q >= robot.lower_limits).all()
    assert (found.q <= robot.upper_limits).all()


def test_without_steps_the_best_head_answers(arm):
    model = make(IKRegressor, arm)
    targets, _ = targets_of(arm, 40)
    targets = targets.astype("float32")
    q = np.asarray(model(matrix_to_pose(targets, "xyz_rot6d")))
    found = model.predict_ik(targets, steps=0, retry=False)
    reached = np.asarray(fkarm.forward_kinematics(arm, q.astype("float64"), arm.end_effector))
    apart = np.linalg.norm(reached[..., :3, 3] - targets[:, None, :3, 3], axis=-1)
    rows = np.arange(40)
    np.testing.assert_allclose(found.q, q[rows, found.seed_index], atol=1e-6)
    np.testing.assert_allclose(found.position_error, apart[rows, found.seed_index], atol=1e-5)
    assert len(set(found.seed_index)) > 1


def test_steps_bring_it_nearer_and_the_solver_finishes(panda):
    robot = panda.sub_chain(panda.root_link, "panda_hand")
    model = make(IKRegressor, robot)
    targets, _ = targets_of(robot, 200)
    medians = [
        np.median(model.predict_ik(targets, steps, retry=False).position_error)
        for steps in (0, 3, 12)
    ]
    assert medians[0] > 2 * medians[1] > 20 * medians[2]
    assert model.predict_ik(targets, 0).converged.all()


def test_proposals_are_the_candidates_also_of_new_weights(arm, tmp_path):
    model = make(IKRegressor, arm)
    x = matrix_to_pose(targets_of(arm, 130)[0].astype("float32"), "xyz_rot6d")
    for scale in (1.0, 2.0):
        model.set_weights([scale * weight for weight in model.get_weights()])
        q = np.asarray(model.candidates(x))
        np.testing.assert_allclose(model.propose(np.asarray(x)), q, atol=1e-5)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras", compile=False)
    np.testing.assert_allclose(loaded.propose(np.asarray(x)), q, atol=1e-5)


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


@both
@pytest.mark.parametrize("jit", [False, True])
def test_it_trains_with_and_without_xla(kind, arm, jit):
    model = make(kind, arm)
    model.compile("sgd", jit_compile=jit)
    model.fit(batches(model, 2), shuffle=False, verbose=0)


def test_joints_that_turn_endlessly_have_no_seam(arm):
    model = make(IKRegressor, arm)
    assert model.layers[0].input_size == 5  # two numbers for the wrist


def test_joints_that_can_make_a_whole_turn_stay_within_it(rng):
    joints = [
        fkarm.Joint("a", lower=-6.3, upper=6.3),
        fkarm.Joint("b", axis="y", lower=-np.pi, upper=np.pi, xyz=(0.3, 0, 0)),
        fkarm.Joint("c", axis="x", lower=-1.0, upper=6.3, xyz=(0.3, 0, 0)),
        fkarm.Joint("leader", lower=-9.0, upper=9.0, xyz=(0.3, 0, 0)),
        fkarm.Joint("follower", mimic=fkarm.Mimic("leader", 0.5), xyz=(0.3, 0, 0)),
    ]
    robot = fkarm.Robot.from_joints(joints, tool=(0.1, 0, 0.1))
    model = make(IKRegressor, robot, heads=50)
    for weight in model.trainable_variables:
        weight.assign(3.0 * rng.normal(size=weight.shape))
    q = np.asarray(model(rng.normal(size=(50, 9)).astype("float32"))).astype("float64")
    assert (q >= robot.lower_limits).all()
    assert (q <= robot.upper_limits).all()
    span = np.abs(q).max(axis=(0, 1))
    assert (span[:2] <= np.float32(np.pi)).all()
    assert (span[:2] > 3.0).all()
    assert q[..., 2].max() > 6.0  # half a turn below zero is out of its reach
    assert span[3] > 8.0  # half of its turns are not whole ones


# The flow


def trained_flow(robot, **options):
    model = make(IKFlow, robot, **options)
    model.fit(batches(model, 40, 128), shuffle=False, verbose=0)
    return model


def test_the_density_adds_up_to_one():
    plane = fkarm.Robot.from_joints(
        [
            fkarm.Joint("a", axis="z", lower=-1.0, upper=2.0),
            fkarm.Joint("b", axis="y", xyz=(0.3, 0, 0), lower=-0.5, upper=0.5),
        ],
        tool=(0.4, 0, 0),
    )
    model = trained_flow(plane)
    target, _ = targets_of(plane, ())
    a, b = np.meshgrid(np.linspace(-1, 2, 401), np.linspace(-0.5, 0.5, 401), indexing="ij")
    grid = np.stack([a, b], axis=-1)
    density = np.exp(model.log_prob(grid, np.broadcast_to(target, (401, 401, 4, 4))))
    cell = (3 / 400) * (1 / 400)
    assert density.max() > 2 * density.mean()  # it has learned something
    assert (density * cell).sum() == pytest.approx(1.0, abs=0.03)
    samples = model.sample(target, 20_000)
    shares, _, _ = np.histogram2d(*samples.T, bins=8, range=[(-1, 2), (-0.5, 0.5)])
    wanted = (density * cell)[:400, :400].reshape(8, 50, 8, 50).sum(axis=(1, 3))
    np.testing.assert_allclose(shares / 20_000, wanted, atol=0.02)


def test_samples_differ_and_nearer_to_the_middle_less(arm):
    model = trained_flow(arm)
    targets, _ = targets_of(arm, (3, 2))
    widths = [
        np.ptp(model.sample(targets, 40, spread), axis=-2).mean() for spread in (1.0, 0.5, 0.0)
    ]
    assert model.sample(targets, 7).shape == (3, 2, 7, 4)
    assert widths[0] > widths[1] > widths[2] == 0.0


def test_outside_the_limits_the_density_is_zero(arm):
    model = make(IKFlow, arm)
    target, q = targets_of(arm, 2)
    q[1, 0] = 2.1
    found = model.log_prob(q, target)
    assert np.isfinite(found[0])
    assert found[1] == -np.inf


def test_what_is_not_known_is_nan_and_the_rest_is_not_affected(arm):
    model = make(IKFlow, arm)
    target, q = (np.array(each) for each in targets_of(arm, 3))
    target[1, 0, 3] = np.nan
    q[2, 0] = np.nan
    np.testing.assert_array_equal(np.isnan(model.log_prob(q, target)), [False, True, True])
    samples = model.sample(target, 2)
    np.testing.assert_array_equal(np.isnan(samples).all(axis=(1, 2)), [False, True, False])
    assert np.isfinite(samples[[0, 2]]).all()


def test_the_density_of_each_targets_samples_is_asked_in_one_call(arm):
    model = trained_flow(arm)
    target, _ = targets_of(arm, (2, 3))
    samples = model.sample(target, 5)
    found = model.log_prob(samples, target)
    one_by_one = model.log_prob(samples, np.repeat(target[:, :, None], 5, axis=2))
    assert found.shape == (2, 3, 5)
    np.testing.assert_array_equal(found, one_by_one)


def test_one_joint_is_enough():
    pendulum = fkarm.robots.planar([1.0])
    model = trained_flow(pendulum)
    target, q = targets_of(pendulum, 20)
    assert model.log_prob(q, target).min() > model.log_prob(-q, target).min() + 1.0


def test_entries_before_decide_the_frame_that_a_spline_sees():
    joints = [
        fkarm.Joint("base", parent="world", child="turret", lower=-1, upper=1),
        fkarm.Joint("camera", parent="turret", child="eye", lower=-1, upper=1),
        fkarm.Joint("late", parent="turret", child="arm", lower=-1, upper=1, xyz=(0.2, 0, 0)),
        fkarm.Joint(
            "copy", parent="arm", child="hand", mimic=fkarm.Mimic("base"), xyz=(0.2, 0, 0.1)
        ),
        fkarm.Joint("last", parent="hand", child="tip", axis="y", lower=-1, upper=1),
        fkarm.Joint("tool", "fixed", parent="tip", child="end", xyz=(0.1, 0.0, 0.1)),
    ]
    robot = fkarm.Robot(joints, end_effector="end")
    model = make(IKFlow, robot)
    assert [robot.independent_joints[k].name for k in model._order] == [
        *("base", "late", "last", "camera"),
    ]
    assert model._frames == ["world", "turret", "hand", "end"]
    model.fit(batches(model, 40, 128), shuffle=False, verbose=0)
    target, q = targets_of(robot, 500)
    even = -np.log(2.0**4)
    assert model.log_prob(q, target).mean() > even + 2.0
    errors = fkarm.learning.pose_errors(robot, model.sample(target, 1)[:, 0], target)
    assert np.median(errors.position_mm) < 150


def test_an_untrained_flow_is_even(arm):
    target, q = targets_of(arm, 10)
    volume = 4.5 * 3.0 * 0.5 * 2 * np.pi
    np.testing.assert_allclose(make(IKFlow, arm).log_prob(q, target), -np.log(volume), rtol=1e-5)


def test_the_loss_is_the_likelihood(arm):
    model = make(IKFlow, arm)
    x, q = batches(model)[0]
    target = np.asarray(fkarm.geometry.pose_to_matrix(x, "xyz_rot6d"))
    wanted = -model.log_prob(q, target).mean()
    found = model.evaluate(x, q, verbose=0, return_dict=True)
    assert found["loss"] == pytest.approx(wanted, rel=1e-4)
    assert found["negative_log_likelihood"] == pytest.approx(wanted, rel=1e-4)


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
    with pytest.raises(ValueError, match="target must have shape"):
        model.predict_ik(np.zeros((2, 9)))
    with pytest.raises(ValueError, match=r"pose must have shape \(\.\.\., 9\).*xyz_rot6d"):
        model(np.zeros((2, 7), "float32"))


def test_bad_arguments_of_the_flow_are_refused(arm):
    model = make(IKFlow, arm)
    with pytest.raises(ValueError, match="loss must be None. Received: 'mse'"):
        model.compile("adam", loss="mse")
    with pytest.raises(ValueError, match="n must be a whole number"):
        model.sample(np.eye(4), 0)
    with pytest.raises(ValueError, match="spread must be from 0 to 1"):
        model.sample(np.eye(4), 1, spread=2.0)
    with pytest.raises(ValueError, match="batch axes of q, or all but the last"):
        model.log_prob(np.zeros((2, 3, 4)), np.eye(4))


def test_losses_that_know_no_heads_are_refused(arm):
    model = make(IKRegressor, arm)
    for loss in ("mse", fkarm.losses.PoseLoss()):
        with pytest.raises(ValueError, match="those of all heads"):
            model.compile("adam", loss=loss)


@both
def test_the_other_kind_of_target_is_refused(kind, arm):
    wrong = "pose" if kind is IKFlow else "configuration"
    right = "configuration" if kind is IKFlow else "pose"
    data = PoseBatches(arm, batch_size=8, steps=1, target=wrong)
    with pytest.raises(ValueError, match=rf"targets? of .*Try pose_stream.*target='{right}'"):
        make(kind, arm).fit(data, shuffle=False, verbose=0)


def test_a_model_must_say_its_candidates(arm):
    with pytest.raises(NotImplementedError):
        IKModel(arm, None).candidates(pose())
