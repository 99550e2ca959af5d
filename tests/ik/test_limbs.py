"""Links that share no joint are searched for apart."""

import numpy as np
import pytest
from autodiff import array

import fkarm
from fkarm import Joint, Robot
from fkarm.ik.limbs import joined, limbs_of, of_limb
from fkarm.ik.problem import make_problem
from fkarm.ik.request import read_request
from fkarm.ik.result import REASON_DTYPE, IKResult


def two_arms(torso="fixed", axes="zyy"):
    """Two arms of joints about these axes, on a fixed chest or on one that turns."""
    limits = {} if torso == "fixed" else {"lower": -1, "upper": 1}
    joints = [Joint("torso", torso, parent="base", child="chest", **limits)]
    for side, y in (("left", 0.2), ("right", -0.2)):
        parent = "chest"
        for k, axis in enumerate(axes):
            place = (0.0, y, 0.5) if k == 0 else (0.3, 0.0, 0.0)
            name = f"{side}_{k}"
            joints.append(
                Joint(name, axis=axis, xyz=place, lower=-2, upper=2, parent=parent, child=name)
            )
            parent = name
        wrist = Joint(
            f"{side}_wrist", "fixed", xyz=(0.2, 0, 0), parent=parent, child=f"{side}_hand"
        )
        joints.append(wrist)
    return Robot(tuple(joints), name="two_arms")


HANDS = ("left_hand", "right_hand")


def targets(robot, rows=6):
    q = np.random.default_rng(0).uniform(-1, 1, (rows, robot.dof))
    return {hand: array(fkarm.forward_kinematics(robot, q, hand)) for hand in HANDS}


def test_arms_on_a_fixed_base_are_two_limbs():
    problem = make_problem(two_arms(), HANDS, {"left_hand": "position", "right_hand": "pose"})
    left, right = limbs_of(problem)
    assert (left.links, right.links) == ([0], [1])
    assert left.components == [0, 1, 2]
    assert right.components == [3, 4, 5, 6, 7, 8]
    assert (left.entries, right.entries) == ([0, 1, 2], [3, 4, 5])


def test_a_torso_joins_its_arms():
    problem = make_problem(two_arms("revolute"), HANDS)
    (both,) = limbs_of(problem)
    assert both.problem == problem
    assert both.links == [0, 1]


def test_a_limb_keeps_its_values_and_moves_its_joints():
    robot = two_arms()
    given = {"position_tolerance": {"left_hand": 1e-3, "right_hand": 1e-2}, "q_ref": np.ones(6)}
    weights = {"left_hand": (1.0, 0.3), "right_hand": (2.0, 0.5)}
    request = read_request(robot, targets(robot), None, weights=weights, **given)
    right = of_limb(request, limbs_of(request.problem)[1])
    np.testing.assert_allclose(right.terms.weights, [2, 2, 2, 0.5, 0.5, 0.5])
    np.testing.assert_allclose(right.terms.closeness, [0.02**-2, 0.005**-2])
    np.testing.assert_allclose(right.tolerances, [[1e-2, 1e-2]])
    assert right.terms.free.tolist() == [0, 0, 0, 1, 1, 1]
    assert np.isinf(right.terms.lower[:3]).all()
    assert (right.terms.upper[3:] == 2).all()
    np.testing.assert_array_equal(right.entries, request.entries[:, 12:])
    np.testing.assert_array_equal(right.targets[:, 0], request.targets[:, 1])


def test_answers_of_limbs_are_put_together():
    robot = two_arms()
    T = targets(robot)
    T["right_hand"][2, :3, 3] += 5.0  # out of reach
    T["left_hand"][4] = np.nan
    result = fkarm.solve_ik(robot, T)
    assert result.converged.tolist() == [True, True, False, True, False, True]
    assert result.reason[2] == "OUT_OF_REACH"
    assert result.reason[4] == "NAN"
    solved = result.converged
    for hand, poses in T.items():
        reached = array(fkarm.forward_kinematics(robot, result.q, hand))
        np.testing.assert_allclose(reached[solved], poses[solved], atol=1e-3)
    assert result.position_error[2] > 4
    # The left arm has reached its target all the same.
    reached = array(fkarm.forward_kinematics(robot, result.q[2], "left_hand"))
    np.testing.assert_allclose(reached, T["left_hand"][2], atol=1e-3)


def test_preferences_hold_for_all_limbs():
    robot = two_arms()
    q = np.random.default_rng(0).uniform(-1, 1, (6, robot.dof))
    result = fkarm.solve_ik(robot, targets(robot), q_ref=q, q_init=q + 0.01)
    np.testing.assert_allclose(result.q, q, atol=1e-3)
    mask = [False, True, True, True, True, True]
    held = fkarm.solve_ik(robot, targets(robot), q_init=q, joint_mask=mask)
    np.testing.assert_array_equal(held.q, q)


@pytest.mark.parametrize(
    ("reasons", "expected"),
    [(("SOLVED", "LIMITS"), "LIMITS"), (("OUT_OF_REACH", "STEPS"), "OUT_OF_REACH")],
)
def test_the_worst_reason_is_that_of_the_answer(reasons, expected):
    robot = two_arms()
    limbs = limbs_of(make_problem(robot, HANDS))
    results = [
        IKResult(
            np.full((1, robot.dof), k + 1.0),
            np.array([reason == "SOLVED"]),
            np.array([0.1 * k]),
            np.array([0.2]),
            np.array([3 - k]),
            np.array([k]),
            np.array([reason], REASON_DTYPE),
            np.array([np.nan]),
        )
        for k, reason in enumerate(reasons)
    ]
    result = joined(limbs, results)
    assert result.q[0].tolist() == [1, 1, 1, 2, 2, 2]
    assert not result.converged[0]
    assert (result.position_error[0], result.orientation_error[0]) == (0.1, 0.2)
    assert (result.steps[0], result.start_index[0]) == (3, 1)
    assert result.reason[0] == expected
