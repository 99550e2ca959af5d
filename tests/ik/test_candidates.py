"""Candidates: rows and columns of their arrays, and which of them is the answer."""

import numpy as np
import pytest
from autodiff import array

import fkarm
from fkarm.ik import candidates
from fkarm.ik.request import read_request


@pytest.fixture
def some():
    """Two targets with three candidates each, numbered."""
    numbers = np.arange(6.0).reshape(2, 3)
    return candidates.Candidates(
        numbers[..., None], numbers, numbers, numbers > 2, numbers.astype(int), numbers.astype(int)
    )


def test_candidates_are_taken_by_index_and_by_target(some):
    assert some.take(np.array([[2, 0], [1, 1]])).q[..., 0].tolist() == [[2, 0], [4, 4]]
    assert some.of(np.array([1])).start.tolist() == [[3, 4, 5]]
    assert some.beside(some).squared.shape == (2, 6)
    assert some.above(some).squared.shape == (4, 3)


def test_the_least_errors_stay_in_the_order_of_starts(some):
    shuffled = some._replace(squared=np.array([[3.0, 1.0, 2.0], [1.0, 2.0, 0.5]]))
    assert shuffled.least(2).start.tolist() == [[1, 2], [3, 5]]
    assert some.least(3) is some


def request(**asked):
    arm = fkarm.robots.planar([0.4, 0.3])
    poses = array(fkarm.forward_kinematics(arm, np.array([[0.3, 0.5], [2.0, 1.0]])))
    return read_request(arm, poses, None, task="position", **asked)


def test_descents_solve_and_count_their_steps():
    asked = request()
    starts = candidates.at_starts(np.array([[[0.2, 0.4], [0.2, -0.4]], [[1.9, 1.1], [0, 0.1]]]))
    assert np.isinf(starts.squared).all()
    rows = np.arange(2)
    for descend in (candidates.descend_damped, candidates.descend_tested):
        ends = descend(asked, rows, starts, 30)
        assert (ends.ratio[:, 0] <= 1e-6).all()
        assert (ends.steps > 0).all()
        assert ends.start.tolist() == [[0, 1], [0, 1]]
    again = candidates.descend_tested(asked, rows, ends, int(ends.steps.max()))
    assert again is ends  # no steps are left


def test_the_first_solution_is_preferred_or_the_nearest():
    q = np.array([[[0.3, 0.5], [1.0, -0.5]]] * 2)
    ratio = np.array([[0.5, 0.1], [2.0, 0.5]])
    ends = candidates.at_starts(q)._replace(squared=1e-8 * ratio, ratio=ratio)
    rows = np.arange(2)
    assert candidates.preferred(request(), rows, ends).tolist() == [0, 1]
    near = request(q_ref=np.array([1.0, -0.4]))
    assert candidates.preferred(near, rows, ends).tolist() == [1, 1]
