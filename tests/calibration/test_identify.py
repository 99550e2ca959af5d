"""What measurements cannot tell, against a singular-value decomposition of differences."""

import numpy as np
import pytest
from calibration.cases import at_points, poses_by_pinocchio, small_arm

import fkarm
from fkarm import calibration

SCARA = fkarm.Robot.from_joints(
    [
        fkarm.Joint("j1", lower=-2, upper=2),
        fkarm.Joint("j2", xyz=(0.3, 0, 0), lower=-2, upper=2),
        fkarm.Joint("j3", "prismatic", xyz=(0.25, 0, 0), lower=-0.2, upper=0.0),
        fkarm.Joint("j4", lower=-2, upper=2),
    ],
    tool=(0.02, 0.0, -0.05),
)
ROBOTS = [fkarm.robots.ur5e(), fkarm.robots.panda(), SCARA, small_arm()]


def null_size(robot, parameters, q, is_pose):
    """Directions in which no pose, or no position, changes; by differences of Pinocchio's poses."""
    columns, step = [], 1e-4
    for k in range(len(parameters.entries)):
        change = step * np.eye(len(parameters.entries))[k]
        ends = [poses_by_pinocchio(robot, parameters, sign * change, q) for sign in (1, -1)]
        column = (ends[0] - ends[1])[:, :3, :] if is_pose else (ends[0] - ends[1])[:, :3, 3]
        columns.append(column.ravel() / (2 * step))
    values = np.linalg.svd(np.array(columns).T, compute_uv=False)
    return len(columns) - int(np.sum(values > 1e-6 * values[0])), np.array(columns).T


@pytest.mark.parametrize("robot", ROBOTS, ids=lambda r: r.name)
@pytest.mark.parametrize("is_pose", [False, True], ids=["position", "pose"])
def test_every_redundant_set_is_named_and_no_other(robot, is_pose):
    parameters = calibration.parameters(robot, origins=True, tool=is_pose, base=True)
    q = fkarm.sample_configurations(robot, 15, seed=1)
    expected, matrix = null_size(robot, parameters, q, is_pose)
    T = poses_by_pinocchio(robot, parameters, np.zeros(len(parameters.entries)), q)
    kind, values = (calibration.Pose, T) if is_pose else (calibration.Position, T[:, :3, 3])
    found = calibration.identifiability(robot, [kind("m", q, values)], parameters=parameters)
    assert len(found.sets) == expected
    scale = np.linalg.norm(matrix)
    for names in found.sets:
        own = matrix[:, [parameters.names.index(name) for name in names]]
        values = np.linalg.svd(own, compute_uv=False)
        assert values[-1] < 1e-6 * scale, names
        for k in range(len(names)) if len(names) > 1 else ():  # no smaller set acts alike
            rest = np.linalg.svd(np.delete(own, k, axis=1), compute_uv=False)
            assert rest[-1] > 1e-6 * rest[0], names
    assert len(found.unidentified) == len(found.sets) + len(found.weak)
    assert not set(found.identified) & set(found.held)


def test_sets_have_reasons():
    arm = fkarm.robots.ur5e()
    q = fkarm.sample_configurations(arm, 20, seed=1)
    T = poses_by_pinocchio(arm, calibration.parameters(arm, base=True), np.zeros(6), q)

    def words(**options):
        parameters = calibration.parameters(arm, **options)
        measured = [calibration.Pose("m", q, T)]
        return calibration.identifiability(arm, measured, parameters=parameters).unidentified

    (line,) = words(offsets=True, base=True)
    assert "rz of base and offset of shoulder_pan_joint act alike: no joint moves" in line
    lines = words(origins=["shoulder_lift_joint", "elbow_joint"])
    assert "z of shoulder_lift_joint and elbow_joint act alike: their axes are parallel" in lines


def test_the_size_of_an_arm_needs_a_length():
    arm = fkarm.robots.planar([0.4, 0.3, 0.2])
    parameters = calibration.parameters(arm, origins=True, point=True)
    parameters = parameters.only("joint_2 x", "joint_3 x", "point x", "joint_1 x")
    groups = at_points((0.4, 0.3, 0.2), [(0.5, 0.1), (0.55, 0.1)])
    points = [calibration.SamePoint(f"p{k}", q) for k, q in enumerate(groups)]
    found = calibration.identifiability(arm, points, parameters=parameters)
    assert any("unknown itself" in line for line in found.unidentified if "joint_1" in line)
    assert any("scale the whole arm" in line for line in found.unidentified)
    found = calibration.identifiability(
        arm, [*points, calibration.Distance("p0", "p1", 0.05)], parameters=parameters
    )
    assert "act alike" not in str(found)
