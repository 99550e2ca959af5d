"""Random configurations stay within limits, and are what the seed says."""

import math

import numpy as np
import pytest

import fkarm


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_samples_fill_the_limits_and_never_leave_them(dtype, panda):
    q = fkarm.sample_configurations(panda, 20_000, seed=0, dtype=dtype)
    assert q.shape == (20_000, 7)
    assert q.dtype == dtype
    lower, upper = panda.lower_limits, panda.upper_limits
    assert (q.astype("float64") >= lower).all()
    assert (q.astype("float64") <= upper).all()
    np.testing.assert_allclose(q.min(axis=0), lower, atol=2e-3)
    np.testing.assert_allclose(q.max(axis=0), upper, atol=2e-3)


def test_endless_joints_are_sampled_over_one_turn():
    arm = fkarm.Robot.from_joints(
        [
            fkarm.Joint("a", "continuous"),
            fkarm.Joint("b"),
            fkarm.Joint("c", lower=1.0),
            fkarm.Joint("d", upper=1.0),
        ]
    )
    q = fkarm.sample_configurations(arm, 20_000, seed=0)
    turn = 2 * math.pi
    lower = [-math.pi, -math.pi, 1.0, 1.0 - turn]
    np.testing.assert_allclose(q.min(axis=0), lower, atol=2e-3)
    np.testing.assert_allclose(q.max(axis=0), np.add(lower, turn), atol=2e-3)


def test_the_seed_decides(panda):
    first = fkarm.sample_configurations(panda, (2, 3), seed=5)
    assert first.shape == (2, 3, 7)
    np.testing.assert_array_equal(first, fkarm.sample_configurations(panda, (2, 3), seed=5))
    assert (first != fkarm.sample_configurations(panda, (2, 3), seed=6)).all()
    assert fkarm.sample_configurations(panda, 0, seed=5).shape == (0, 7)


def test_a_slider_without_limits_cannot_be_sampled():
    arm = fkarm.Robot.from_joints([fkarm.Joint("rail", "prismatic", lower=0.0)])
    with pytest.raises(fkarm.RobotError, match="both limits of the prismatic joint 'rail'"):
        fkarm.sample_configurations(arm, 3)


def test_a_negative_count_is_refused(panda):
    with pytest.raises(ValueError, match="must not hold a negative"):
        fkarm.sample_configurations(panda, -1)


def test_an_unknown_dtype_is_refused(panda):
    with pytest.raises(ValueError, match="dtype must be one of"):
        fkarm.sample_configurations(panda, 1, dtype="int32")


def test_samples_have_unit_quaternions_and_positions_within_a_metre(free_robot):
    q = fkarm.sample_configurations(free_robot, 2000, seed=0)
    for start in (3, 7):
        quats = q[:, start : start + 4]
        np.testing.assert_allclose(np.linalg.norm(quats, axis=1), 1.0, atol=1e-12)
        np.testing.assert_allclose(quats.mean(axis=0), 0.0, atol=0.05)
    assert np.abs(q[:, :3]).max() <= 1.0
