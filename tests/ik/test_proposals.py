"""From the proposals of a network to one solution per target."""

import numpy as np
import pytest
from autodiff import array

import fkarm
from fkarm.ik.proposals import best_refined
from fkarm.ik.request import read_request

ARM = fkarm.robots.planar([0.4, 0.3])
UP, DOWN = np.array([0.3, 0.8]), np.array([0.9667, -0.8])  # reach nearly the same point


def request(**asked):
    pose = array(fkarm.forward_kinematics(ARM, UP))
    return read_request(ARM, pose[None], None, task=("x", "y"), **asked)


@pytest.mark.parametrize("steps", [0, 6])
def test_the_best_proposal_is_refined(steps):
    proposals = np.stack([UP + 0.4, UP + 0.01, DOWN + 0.2])[None]
    result = best_refined(request(), proposals, steps)
    assert result.start_index[0] in ([1] if steps == 0 else [1, 2])
    assert (result.position_error[0] < 1e-5) == (steps > 0)


def test_the_solution_nearest_to_the_reference_may_come_from_any_proposal():
    proposals = np.stack([UP, UP + 0.01, DOWN + 0.05])[None]
    result = best_refined(request(q_ref=DOWN), proposals, 8)
    assert result.start_index.tolist() == [2]
    assert result.converged.all()


def test_proposals_outside_the_limits_are_moved_inside():
    arm = fkarm.Robot.from_joints(
        [fkarm.Joint("a", lower=-1, upper=1), fkarm.Joint("b", xyz=(0.4, 0, 0), lower=-1, upper=1)],
        tool=(0.3, 0, 0),
    )
    pose = array(fkarm.forward_kinematics(arm, np.array([0.5, 0.5])))
    asked = read_request(arm, pose[None], None, task=("x", "y"))
    result = best_refined(asked, np.full((1, 1, 2), 3.0), 0)
    assert result.q.tolist() == [[1.0, 1.0]]
