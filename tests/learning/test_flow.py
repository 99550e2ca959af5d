"""IKFlow: its density, its samples, the joints that it goes along."""

import numpy as np
import pytest
from learning.networks import batches, four_joints, make, targets_of

import fkarm
from fkarm.learning import IKFlow


@pytest.fixture(scope="module")
def arm():
    return four_joints()


def trained_flow(robot):
    model = make(IKFlow, robot, run_eagerly=False)
    model.fit(batches(model, 40, 128), shuffle=False, verbose=0)
    return model


@pytest.fixture(scope="module")
def trained():
    """A flow of two joints that was trained a little; only to look at."""
    joints = [
        fkarm.Joint("a", axis="z", lower=-1.0, upper=2.0),
        fkarm.Joint("b", axis="y", xyz=(0.3, 0, 0), lower=-0.5, upper=0.5),
    ]
    return trained_flow(fkarm.Robot.from_joints(joints, tool=(0.4, 0, 0)))


def test_the_density_adds_up_to_one(trained):
    model = trained
    target, _ = targets_of(model.robot, ())
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


def test_samples_differ_and_nearer_to_the_middle_less(trained):
    targets, _ = targets_of(trained.robot, (3, 2))
    widths = [
        np.ptp(trained.sample(targets, 40, spread), axis=-2).mean() for spread in (1.0, 0.5, 0.0)
    ]
    assert trained.sample(targets, 7).shape == (3, 2, 7, 2)
    assert widths[0] > widths[1] > widths[2] == 0.0


def test_outside_the_limits_the_density_is_zero(arm):
    model = make(IKFlow, arm)
    target, q = targets_of(arm, 2)
    q[1, 0] = 2.1
    found = model.log_prob(q, target)
    assert np.isfinite(found[0])
    assert found[1] == -np.inf


def test_at_the_limits_themselves_the_density_is_that_inside(panda):
    model = make(IKFlow, panda)
    ends = np.stack([panda.lower_limits, panda.upper_limits])
    inside = panda.lower_limits + 0.5 * (panda.upper_limits - panda.lower_limits)
    wanted = model.log_prob(inside, np.eye(4))
    for q in (ends, ends.astype("float32")):
        np.testing.assert_allclose(model.log_prob(q, np.eye(4)), wanted, rtol=1e-5)


def test_a_joint_between_equal_limits_stays_there():
    joints = [
        fkarm.Joint("held", lower=0.3, upper=0.3),
        fkarm.Joint("arm", xyz=(0.3, 0, 0), lower=-1, upper=1),
    ]
    robot = fkarm.Robot.from_joints(joints, tool=(0.2, 0, 0))
    model = make(IKFlow, robot)
    model.fit(batches(model, 3), shuffle=False, verbose=0)
    target, q = targets_of(robot, 20)
    assert np.isfinite(model.log_prob(q, target)).all()
    np.testing.assert_allclose(model.sample(target, 3)[..., 0], 0.3, rtol=1e-6)


def test_what_is_not_known_is_nan_and_the_rest_is_not_affected(arm):
    model = make(IKFlow, arm)
    target, q = (np.array(each) for each in targets_of(arm, 3))
    target[1, 0, 3] = np.nan
    q[2, 0] = np.nan
    np.testing.assert_array_equal(np.isnan(model.log_prob(q, target)), [False, True, True])
    samples = model.sample(target, 2)
    np.testing.assert_array_equal(np.isnan(samples).all(axis=(1, 2)), [False, True, False])
    assert np.isfinite(samples[[0, 2]]).all()


def test_the_density_of_each_targets_samples_is_asked_in_one_call(trained):
    target, _ = targets_of(trained.robot, (2, 3))
    samples = trained.sample(target, 5)
    found = trained.log_prob(samples, target)
    one_by_one = trained.log_prob(samples, np.repeat(target[:, :, None], 5, axis=2))
    assert found.shape == (2, 3, 5)
    np.testing.assert_array_equal(found, one_by_one)


def test_one_joint_is_enough():
    pendulum = fkarm.robots.planar([1.0])
    model = trained_flow(pendulum)
    target, q = targets_of(pendulum, 20)
    assert model.log_prob(q, target).min() > model.log_prob(-q, target).min() + 1.0


@pytest.fixture(scope="module")
def tree():
    """A branch, a camera on another, a mimic in the chain."""
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
    return fkarm.Robot(joints, end_effector="end")


def test_entries_before_decide_the_frame_that_a_spline_sees(tree):
    model = make(IKFlow, tree)
    assert [tree.independent_joints[k].name for k in model._order] == [
        *("base", "late", "last", "camera"),
    ]
    assert model._frames == ["world", "turret", "hand", "end"]
    target, q = targets_of(tree, 5)
    np.testing.assert_allclose(model.log_prob(q, target), -np.log(2.0**4), rtol=1e-5)


@pytest.mark.in_test_all("every case")
def test_a_flow_of_a_tree_learns(tree):
    model = trained_flow(tree)
    target, q = targets_of(tree, 500)
    even = -np.log(2.0**4)
    assert model.log_prob(q, target).mean() > even + 2.0
    errors = fkarm.learning.pose_errors(tree, model.sample(target, 1)[:, 0], target)
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


def test_bad_arguments_of_the_flow_are_refused(arm):
    model = make(IKFlow, arm)
    with pytest.raises(ValueError, match="loss must be None. Received: 'mse'"):
        model.compile("adam", "mse")
    with pytest.raises(ValueError, match="bins must be at most 500"):
        IKFlow(arm, bins=501)
    with pytest.raises(ValueError, match="n must be a whole number"):
        model.sample(np.eye(4), 0)
    with pytest.raises(ValueError, match="spread must be from 0 to 1"):
        model.sample(np.eye(4), 1, spread=2.0)
    with pytest.raises(ValueError, match="batch axes of q, or all but the last"):
        model.log_prob(np.zeros((2, 3, 4)), np.eye(4))
