"""The benchmark of clear answers measures what it says."""

import numpy as np
import pytest

import fkarm
from benchmarks import clearance
from fkarm.collision import self_distance

pytestmark = pytest.mark.in_test_all("benchmark")


def test_targets_are_those_of_clear_configurations():
    case = clearance.CASES["panda at a table"]._replace(targets=40)
    robot = case.robot()
    q = clearance.clear_configurations(case, robot, (robot.end_effector,))
    assert q.shape == (40, 7)
    expected = clearance.coal_distances(robot, q, case.obstacles)
    assert expected.min() >= clearance.CLEARANCE - 1e-6
    np.testing.assert_allclose(clearance.distances(robot, q, case.obstacles), expected, atol=1e-6)


def test_two_arms_are_one_robot_whose_arms_may_touch():
    robot = clearance.two_pandas()
    assert robot.dof == 14
    between = [pair for pair in fkarm.collision.pairs(robot) if pair[0][:4] != pair[1][:4]]
    assert ("left_panda_hand", "right_panda_hand") in between


def test_a_row_says_how_many_are_solved_and_at_what_cost():
    (row,) = clearance.rows_of("ur5e", 30)
    assert row["targets"] == 30
    assert row["solved"] == 1.0
    assert row["times_the_usual"] > 0
    assert "solved 100.00%" in clearance.line(row)


def test_a_wrong_clearance_ends_the_run():
    case = clearance.CASES["panda"]
    robot = case.robot()
    q = np.tile([0, -0.5, 0, -2.0, 0, 1.6, 0.7], (3, 1))
    target = np.asarray(fkarm.forward_kinematics(robot, q))
    answer = fkarm.solve_ik(robot, target, q_init=q, clearance=clearance.CLEARANCE)
    targets = {robot.end_effector: target}
    clearance.check(case, robot, targets, answer)
    wrong = answer._replace(clearance=np.asarray(self_distance(robot, q)) + 1e-3)
    with pytest.raises(AssertionError, match="coal"):
        clearance.check(case, robot, targets, wrong)
