"""IKRegressor: its heads, their loss, the best of them."""

import keras
import numpy as np
import pytest
from learning.networks import batches, four_joints, make, targets_of

import fkarm
from fkarm._units import RADIAN_IN_METRES
from fkarm.geometry import matrix_to_pose
from fkarm.learning import IKRegressor


@pytest.fixture(scope="module")
def arm():
    return four_joints()


def test_metrics_are_of_the_best_head_and_the_loss_of_all(arm):
    model = make(IKRegressor, arm)
    x, y = batches(model)[0]
    poses = np.asarray(fkarm.forward_kinematics(arm, np.asarray(model(x)), arm.end_effector))
    apart = np.linalg.norm(poses[..., :3, 3] - y[:, None, :3, 3], axis=-1)
    turn = poses[..., :3, :3] @ np.swapaxes(y[:, None, :3, :3], -1, -2)
    angle = np.arccos(np.clip((np.trace(turn, axis1=-2, axis2=-1) - 1) / 2, -1, 1))
    losses = apart + RADIAN_IN_METRES * angle
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


def test_without_steps_the_best_head_answers(arm):
    model = make(IKRegressor, arm)
    targets, _ = targets_of(arm, 40)
    targets = targets.astype("float32")
    q = np.asarray(model(matrix_to_pose(targets, "xyz_rot6d")))
    found = model.predict_ik(targets, steps=0, retry=False)
    reached = np.asarray(fkarm.forward_kinematics(arm, q.astype("float64"), arm.end_effector))
    apart = np.linalg.norm(reached[..., :3, 3] - targets[:, None, :3, 3], axis=-1)
    rows = np.arange(40)
    np.testing.assert_allclose(found.q, q[rows, found.start_index], atol=1e-6)
    np.testing.assert_allclose(found.position_error, apart[rows, found.start_index], atol=1e-5)
    assert len(set(found.start_index)) > 1


@pytest.mark.in_test_all("every case")  # test_ik_model.py solves too
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


def test_losses_that_know_no_heads_are_refused(arm):
    model = make(IKRegressor, arm)
    of_numbers = keras.losses.mean_squared_error, keras.losses.MeanSquaredError()
    for loss in ("mse", *of_numbers, fkarm.losses.PoseLoss()):
        with pytest.raises(ValueError, match="those of all heads"):
            model.compile("adam", loss=loss)
