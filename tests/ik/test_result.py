"""Why a target was not solved, on arms whose reach has a closed form."""

import math

import numpy as np

import fkarm
from fkarm import IKReason, Joint, Robot

# The wrist reaches every point from 0.1 m to 0.7 m away.
TWO = Robot.from_joints(
    [
        Joint("shoulder", axis="z", lower=-2 * math.pi, upper=2 * math.pi),
        Joint("elbow", axis="z", xyz=(0.4, 0, 0), lower=-2 * math.pi, upper=2 * math.pi),
    ],
    tool=(0.3, 0, 0),
)


def at(*xy):
    """Targets at points of the plane."""
    poses = np.tile(np.eye(4), (len(xy), 1, 1))
    poses[:, :2, 3] = xy
    return poses


def test_the_reason_tells_targets_apart():
    poses = at((0.5, 0.1), (1.0, 0.0), (0.0, 0.0))
    poses[2, 0, 0] = np.nan
    result = fkarm.solve_ik(TWO, poses, task="position")
    assert result.reason.tolist() == ["SOLVED", "OUT_OF_REACH", "NAN"]
    assert (result.reason == IKReason.OUT_OF_REACH).tolist() == [False, True, False]
    assert fkarm.solve_ik(TWO, poses[1], task="position").reason == "OUT_OF_REACH"


def test_a_joint_at_its_limit_is_the_reason():
    one = Robot.from_joints([Joint("turn", axis="z", lower=-1.0, upper=1.0)], tool=(0.5, 0, 0))
    # Straight up: the joint would have to turn by half a pi.
    result = fkarm.solve_ik(one, at((0.0, 0.5)), task="position")
    assert result.reason.tolist() == ["LIMITS"]
    np.testing.assert_allclose(result.q, [[1.0]])


def test_too_few_steps_are_the_reason():
    given = {"q_init": [3.0, 1.0], "starts": 1, "task": "position"}
    result = fkarm.solve_ik(TWO, at((0.5, 0.1)), max_steps=2, **given)
    assert result.reason.tolist() == ["STEPS"]
    result = fkarm.solve_ik(TWO, at((0.5, 0.1)), max_steps=48, **given)
    assert result.reason.tolist() == ["SOLVED"]


def test_a_result_is_printed_in_a_few_lines():
    poses = at((0.5, 0.1), (0.9, 0.0), (0.3, 0.2), (0.2, 0.2))
    poses[2, 0, 0] = np.nan
    lines = str(fkarm.solve_ik(TWO, poses, task="position")).split("\n")
    assert lines[:2] == ["4 targets, 2 solved", "  NAN 1, OUT_OF_REACH 1, SOLVED 2"]
    assert lines[2].startswith("  solved: largest error ")
    # 0.2 m beyond the reach; the target's orientation does not count.
    assert lines[3:] == ["  not solved: largest error 200 mm, 0 rad"]
    assert str(fkarm.solve_ik(TWO, poses[0], task="position")).startswith("1 target, 1 solved\n")
    assert str(fkarm.solve_ik(TWO, poses[:0], task="position")) == "0 targets, 0 solved"
    assert str(fkarm.solve_ik(TWO, poses[2], task="position")) == "1 target, 0 solved\n  NAN 1"


def test_a_printed_result_names_the_smallest_distance():
    balls = [fkarm.Body(TWO.end_effector, "sphere", 0.05)]
    wall = fkarm.collision.HalfSpace((-1, 0, 0), -0.6)
    found = fkarm.solve_ik(
        TWO.with_bodies(balls), at((0.5, 0.1), (0.3, 0.1)), task="position", clearance=0.01,
        obstacles=wall, position_tolerance=1e-6,
    )  # fmt: skip
    assert str(found).endswith("\n  bodies: smallest distance 50 mm")


def test_all_solutions_are_printed_in_a_few_lines():
    poses = at((0.5, 0.1), (0.9, 0.0))
    lines = str(fkarm.solve_ik_all(TWO, poses, task="position", starts=20)).split("\n")
    # The elbow bends to either side; whole turns are one solution.
    assert lines[0] == "2 targets, 2 distinct solutions from 20 starts per target"
    assert lines[1] == "  per target: 0 to 2 solutions"
    assert lines[2].startswith("  solutions: largest error ")
    assert len(lines) == 3
    one = fkarm.solve_ik_all(TWO, poses[1], task="position", starts=1)
    assert str(one) == "1 target, 0 distinct solutions from 1 start per target"
    none = fkarm.solve_ik_all(TWO, poses[:0], task="position", starts=20)
    assert str(none) == "0 targets, 0 distinct solutions from 20 starts per target"


def test_the_smallest_distance_of_all_solutions_is_that_of_the_clear_ones():
    with_ball = TWO.with_bodies([fkarm.Body(TWO.link_names[2], "sphere", 0.05)])
    floor = fkarm.collision.HalfSpace((0, 1, 0), -0.1)
    found = fkarm.solve_ik_all(
        with_ball, at((0.5, 0.1)), task="position", starts=20, clearance=0.01, obstacles=floor
    )
    # The elbow is above the floor or below it, by the law of cosines.
    angle = math.atan2(0.1, 0.5) + math.acos((0.4**2 + 0.26 - 0.3**2) / (0.8 * math.sqrt(0.26)))
    distance = 1e3 * (0.4 * math.sin(angle) + 0.1 - 0.05)
    assert str(found).startswith("1 target, 1 distinct solution from 20 starts per target\n")
    assert str(found).endswith(f"\n  bodies: smallest distance {distance:.3g} mm")


def test_a_path_is_printed_in_a_few_lines():
    poses = at((0.5, 0.1), (0.5, 0.12), (0.9, 0.0))
    lines = str(fkarm.follow_path(TWO, poses, [-0.3, 1.5], task="position")).split("\n")
    assert lines[0] == "3 poses, 2 solved"
    assert lines[1].startswith("  solved: largest error ")
    assert lines[2:] == ["  not solved: largest error 200 mm, 0 rad"]
    two = fkarm.follow_path(TWO, np.stack([poses[:1]] * 2), [-0.3, 1.5], task="position")
    assert str(two).startswith("2 paths of 1 pose, 2 solved\n  solved: largest error ")
