"""Systems of any size by loops."""

import numpy as np
import pytest
from autodiff import array, tensor

from fkarm.ik.loop.linear import damped_change, solved, sum_of_squares


@pytest.mark.parametrize("count", [1, 4, 7])
def test_outer_products_are_summed(count, rng):
    vectors = rng.normal(size=(count, 3, 5))
    found = array(sum_of_squares(tensor(vectors)))
    np.testing.assert_allclose(found, np.einsum("kir,kjr->ijr", vectors, vectors), atol=1e-13)


@pytest.mark.parametrize("n", [1, 5, 24])
def test_systems_are_solved(n, rng):
    factor, right = rng.normal(size=(4, n, n)), rng.normal(size=(4, n))
    matrix, damping = factor @ factor.swapaxes(1, 2), np.array([1e-9, 0.1, 1.0, 10.0])
    expected = np.linalg.solve(matrix + damping[:, None, None] * np.eye(n), right[..., None])
    found = array(solved(tensor(matrix.transpose(1, 2, 0)), tensor(right.T), tensor(damping)))
    np.testing.assert_allclose(found.T, expected[..., 0], rtol=1e-6)


@pytest.mark.parametrize(("n", "m"), [(9, 4), (4, 9), (6, 6)])
def test_the_change_minimises_the_damped_error(n, m, rng):
    jacobian, error = rng.normal(size=(n, m, 3)), rng.normal(size=(m, 3))
    damping = np.array([1e-3, 0.1, 1.0])
    found = array(damped_change(tensor(jacobian), tensor(error), tensor(damping)))
    for row in range(3):
        of_row = np.concatenate([jacobian[..., row].T, np.sqrt(damping[row]) * np.eye(n)])
        right = np.concatenate([error[:, row], np.zeros(n)])
        expected = np.linalg.lstsq(of_row, right, rcond=None)[0]
        np.testing.assert_allclose(found[:, row], expected, atol=1e-9)


def test_rounding_makes_no_pivot_zero(rng):
    # Two links that are fixed to each other: every row of the Jacobian of one is that of the other.
    jacobian = rng.normal(size=(14, 6, 200)).astype("float32")
    twice = np.concatenate([jacobian, jacobian], axis=1)
    error = np.concatenate([np.ones((6, 200))] * 2).astype("float32")
    damping = np.full(200, 1e-9, "float32")
    found = array(damped_change(tensor(twice), tensor(error), tensor(damping)))
    reached = np.einsum("kmr,kr->mr", twice, found)
    np.testing.assert_allclose(reached, error, atol=5e-3)
