"""Predictions against Pinocchio, derivatives against differences."""

import numpy as np
import pinocchio as pin
import pytest
from autodiff import array
from calibration.cases import SENSOR, TOOL, errors_of, poses_by_pinocchio, small_arm
from scipy.spatial.transform import Rotation

import fkarm
from fkarm import calibration
from fkarm.calibration.problem import Problem, State

ALL = {"origins": True, "offsets": True, "gains": True, "harmonics": True, "base": True}


@pytest.mark.parametrize("robot", [small_arm(), fkarm.robots.ur5e()], ids=lambda r: r.name)
def test_positions_are_those_of_pinocchio(robot):
    senses = [-1] + [1] * (robot.dof - 1)
    parameters = calibration.parameters(robot, **ALL, tool=True, senses=senses)
    values = errors_of(parameters, mm=20.0, deg=10.0)
    q = fkarm.sample_configurations(robot, 5, seed=1)
    expected = poses_by_pinocchio(robot, parameters, values, q)
    problem = Problem(parameters, robot.end_effector, [calibration.Pose("all", q, expected)])
    np.testing.assert_allclose(problem.residuals(State(values)), 0.0, atol=1e-13)


def test_every_derivative_is_that_of_differences():
    robot = small_arm()
    rng = np.random.default_rng(0)

    def q(count):
        return fkarm.sample_configurations(robot, count, seed=rng)

    def frames(count):
        return np.array([pin.exp6(v).homogeneous for v in rng.normal(size=(count, 6))])

    measurements = [
        calibration.SamePoint("a", q(3)),
        calibration.SamePoint("b", q(2), tool="pin"),
        calibration.Distance("a", "b", 0.05),
        calibration.Position("root", q(2), rng.normal(size=(2, 3))),
        calibration.SensorPoints("seen", q(2), rng.normal(size=(2, 3))),
        calibration.Pose("pose", q(2), frames(2), sensor="sensor", tool="pin"),
        calibration.Pose("own", q(2), frames(2)),
        calibration.Orientation("turned", q(2), frames(2)[:, :3, :3], sensor="camera"),
        calibration.Plane("table", q(4)),
    ]
    parameters = calibration.parameters(robot, **ALL, tool=True)
    problem = Problem(parameters, robot.end_effector, measurements)
    state = State(
        errors_of(parameters, mm=50.0, deg=10.0),
        {"sensor": SENSOR, "camera": TOOL},
        {"pin": TOOL},
        {"a": np.array([0.1, 0.2, 0.3]), "b": np.array([0.3, -0.2, 0.3])},
        {"table": np.array([0.6, 0.0, 0.8, 0.3])},
    )
    _, derivative = problem.linearised(state)
    step = 1e-6
    for k in range(problem.size):
        change = np.zeros(problem.size)
        change[k] = step
        ends = [problem.residuals(problem.moved(state, sign * change)) for sign in (1, -1)]
        numeric = (ends[0] - ends[1]) / (2 * step)
        np.testing.assert_allclose(derivative[:, k], numeric, atol=3e-8, err_msg=str(k))


def test_a_modified_table_may_stand_on_a_turned_base():
    rows = np.array([(0.1, 0.3, 0.2, 0.1), (0.3, -1.2, 0.1, 0.4), (0.05, 1.5, 0.0, 0.2)])
    first, *others = fkarm.Robot.from_dh(rows, "modified").joints
    origin = SENSOR @ first.origin
    turns = Rotation.from_matrix(origin[:3, :3]).as_euler("xyz")
    first = fkarm.Joint(
        first.name, xyz=origin[:3, 3], rpy=turns, parent=first.parent, child=first.child
    )
    robot = fkarm.Robot((first, *others))
    parameters = calibration.parameters(robot, dh="modified")
    assert parameters.names[:3] == ("joint_1 d", "joint_1 theta", "joint_2 a")
    changes = np.random.default_rng(0).normal(size=rows.shape) * 0.05
    changes[0, :2] = 0.0
    q = np.random.default_rng(1).normal(size=(4, 3))
    table = fkarm.Robot.from_dh(rows + changes, "modified")
    T = SENSOR @ array(fkarm.forward_kinematics(table, q))
    problem = Problem(parameters, robot.end_effector, [calibration.Pose("all", q, T)])
    np.testing.assert_allclose(problem.residuals(State(changes.ravel()[2:])), 0.0, atol=1e-12)


@pytest.mark.parametrize("convention", ["standard", "modified"])
def test_entries_of_a_table_change_as_a_table_with_other_entries(convention):
    rows = np.array([(0.1, 0.3, 0.2, 0.1), (0.3, -1.2, 0.1, 0.4), (0.05, 1.5, 0.0, 0.2)])
    robot = fkarm.Robot.from_dh(rows, convention)
    parameters = calibration.parameters(robot, dh=convention)
    changes = np.random.default_rng(0).normal(size=rows.shape) * 0.05
    q = np.random.default_rng(1).normal(size=(4, 3))
    T = array(fkarm.forward_kinematics(fkarm.Robot.from_dh(rows + changes, convention), q))
    problem = Problem(parameters, robot.end_effector, [calibration.Pose("all", q, T)])
    assert parameters.names[:4] == tuple(f"joint_1 {e}" for e in ("a", "alpha", "d", "theta"))
    np.testing.assert_allclose(problem.residuals(State(changes.ravel())), 0.0, atol=1e-14)
