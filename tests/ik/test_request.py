"""What one call asks for: shapes, types, and the values that joints keep."""

import numpy as np
import pytest
from autodiff import array

import fkarm
from fkarm.ik.request import FEW_TARGETS, read_request

ARM = fkarm.robots.planar([0.4, 0.3, 0.2])


def poses(*shape):
    q = np.random.default_rng(0).uniform(-1, 1, (*shape, 3))
    return array(fkarm.forward_kinematics(ARM, q))


def test_targets_become_one_batch_axis():
    request = read_request(ARM, poses(2, 3), None)
    assert request.batch == (2, 3)
    assert request.targets.shape == (6, 1, 4, 4)
    assert request.entries.shape == (6, 12)
    # The entries are the columns of the rotation, then the origin.
    np.testing.assert_array_equal(request.entries[:, 9:], request.targets[:, 0, :3, 3])


def test_the_number_of_targets_decides_where_the_search_runs():
    one = np.tile(np.eye(4), (FEW_TARGETS, 1, 1))
    with fkarm.config.compilation("auto"):
        assert read_request(ARM, one[:-1], None).is_few
        assert not read_request(ARM, one, None).is_few
    with fkarm.config.compilation("eager"):
        assert read_request(ARM, one, None).is_few
    with fkarm.config.compilation("graph"):
        assert not read_request(ARM, one[:1], None).is_few


def test_held_joints_keep_the_value_of_the_start():
    mask = [True, False, True]
    start = np.array([0.1, 5.0, 0.2])
    request = read_request(ARM, poses(2), None, q_init=start, joint_mask=mask)
    starts = request.constrained(np.zeros((2, 1, 3)), np.arange(2))
    assert starts[:, 0].tolist() == [[0.0, 5.0, 0.0]] * 2


def test_what_needs_another_argument_is_refused_without_it():
    with pytest.raises(ValueError, match="joint_mask must come with q_init"):
        read_request(ARM, poses(1), None, joint_mask=[True, True, False])
    with pytest.raises(ValueError, match="posture_weight must come with q_ref"):
        read_request(ARM, poses(1), None, posture_weight=0.1)
    with pytest.raises(ValueError, match=r"q_init must be finite, of shape \(3,\) or \(2, 3\)"):
        read_request(ARM, poses(2), None, q_init=np.zeros((3, 3)))
