"""Coverage: which of all solutions some candidates reach."""

from dataclasses import replace

import numpy as np
import pytest
from ik.closed_form.arms import PUMA_560, ROBOTS, draw, from_table, poses

import fkarm
from fkarm.learning import Coverage, solution_coverage

PUMA = from_table(PUMA_560)


def flipped(q):
    """The same pose with the wrist turned over: an identity of every spherical wrist."""
    other = np.concatenate([q[:, :3], q[:, 3:] * [1, -1, 1] + [np.pi, 0, np.pi]], axis=1)
    return np.where(other > np.pi, other - 2 * np.pi, other)


@pytest.fixture(scope="module")
def known():
    q = draw(PUMA, 20)
    return q, poses(PUMA, q)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_each_solution_counts_once(known, dtype):
    q, target = known
    both = np.stack([q, flipped(q), q], axis=1)
    reached = solution_coverage(PUMA, both, target.astype(dtype), steps=0).reached
    assert reached.tolist() == [2] * len(q)


def test_all_that_a_search_finds_is_reached(known):
    target = known[1][:5]
    every = fkarm.solve_ik_all(PUMA, target, starts=100, method="numeric")
    first = every.q[np.arange(5), every.is_solution.argmax(axis=1)]
    q = np.where(every.is_solution[..., None], every.q, first[:, None])
    found = solution_coverage(PUMA, q, target)
    assert found.reached.tolist() == every.is_solution.sum(axis=1).tolist()
    assert found.share > 0.9


@pytest.mark.parametrize(
    ("change", "near", "reached"),
    [(0.29, 0.3, 1), (0.31, 0.3, 0), (2 * np.pi + 0.1, 0.3, 1), (0.09, 0.1, 1), (0.2, 0.1, 0)],
)
def test_a_candidate_counts_within_the_distance_in_every_joint(change, near, reached):
    arm = replaced_limits(PUMA, -10, 10)
    q = np.array([[0.3, -1.2, 1.4, -0.6, 0.9, 0.2]])
    moved = (q + change * np.eye(6)[1])[:, None]
    found = solution_coverage(arm, moved, poses(arm, q), steps=0, near=near)
    assert found.reached.tolist() == [reached]


def replaced_limits(robot, lower, upper):
    return replace(
        robot,
        joints=tuple(
            joint if joint.type == "fixed" else replace(joint, lower=lower, upper=upper)
            for joint in robot.joints
        ),
    )


def test_steps_bring_candidates_to_solutions(known):
    q, target = known
    starts = (q + 0.15)[:, None]
    before, after = (
        solution_coverage(PUMA, starts, target, steps=steps, near=1e-3) for steps in (0, 6)
    )
    assert not before.reached.any()
    assert after.reached.mean() > 0.8


def test_solutions_beyond_the_limits_do_not_count(known):
    q, target = known
    narrow = replaced_limits(PUMA, -2.0, 2.0)
    every = fkarm.solve_ik_all(PUMA, target, starts=8)
    expected = (every.is_solution & (np.abs(every.q) <= 2.0).all(axis=-1)).sum(axis=1)
    assert solution_coverage(narrow, q[:, None], target).solutions.tolist() == expected.tolist()


def test_solutions_that_coincide_are_one():
    arm = ROBOTS["ur5e"]()
    q = draw(arm, 5)
    q[:, 2] = 0.0  # elbow up and elbow down are one
    target = poses(arm, q)
    found = solution_coverage(arm, q[:, None], target)
    distinct = fkarm.solve_ik_all(arm, target, starts=8).is_solution.sum(axis=1)
    assert found.solutions.tolist() == distinct.tolist()
    assert (distinct < 8).all()
    assert found.reached.tolist() == [1] * 5


def test_seven_joints_have_values_of_the_free_one():
    arm = ROBOTS["iiwa14"]()
    free = arm.joint_names.index(fkarm.ik.closed_form(arm).free)
    low, high = arm.lower_limits[free], arm.upper_limits[free]
    q = 0.5 * draw(arm, 10)
    q[:, free] = low + (high - low) * (np.array([2, 5, 3, 1, 7, 2, 0, 4, 6, 2]) + 0.5) / 8
    found = solution_coverage(arm, q[:, None], poses(arm, q), steps=0, near=1e-3, values=8)
    assert found.reached.tolist() == [1] * 10
    assert (found.solutions > 8).all()


def test_rows_that_are_not_numbers_have_no_solutions(known):
    q, target = known
    target = target.copy()
    target[3] = np.nan
    found = solution_coverage(PUMA, q[:, None], target)
    assert found.solutions[3] == found.reached[3] == 0
    assert (np.delete(found.reached, 3) == 1).all()
    assert np.isnan(solution_coverage(PUMA, q[:0, None], target[:0]).share)


def test_the_share_is_of_the_solutions_of_all_targets():
    assert Coverage(np.array([1, 2]), np.array([2, 8])).share == 0.3


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"steps": -1}, "steps must be a whole number >= 0. Received: -1"),
        ({"near": 0.0}, "near must be finite and > 0"),
        ({"values": 0}, "values must be a whole number >= 1"),
    ],
)
def test_bad_options_are_refused(known, options, said):
    q, target = known
    with pytest.raises(ValueError, match=said):
        solution_coverage(PUMA, q[:, None], target, **options)


def test_candidates_must_fit_their_targets(known):
    q, target = known
    with pytest.raises(ValueError, match=r"q must have shape .* Received: shapes \(20, 6\)"):
        solution_coverage(PUMA, q, target)
    with pytest.raises(fkarm.NoClosedFormError):
        solution_coverage(fkarm.robots.planar([0.4, 0.3]), np.zeros((1, 1, 2)), np.eye(4)[None])
