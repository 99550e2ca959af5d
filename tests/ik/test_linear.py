"""Small linear systems, unrolled."""

import numpy as np
import pytest
from autodiff import tensor

from fkarm.ik.linear import normal_matrix, solve_symmetric


@pytest.mark.parametrize("size", [1, 2, 6, 12])
def test_small_systems_are_numpys(size, rng):
    rows = rng.normal(size=(size, size + 2, 50))
    right = rng.normal(size=(size, 50))
    matrix = normal_matrix([[tensor(x) for x in row] for row in rows], tensor(0.1, "float64"))
    found = solve_symmetric(matrix, [tensor(x) for x in right])
    dense = np.einsum("ikr,jkr->rij", rows, rows) + 0.1 * np.eye(size)
    expected = np.linalg.solve(dense, right.T[..., None])[..., 0]
    np.testing.assert_allclose(np.stack(found, axis=-1), expected, rtol=1e-8, atol=1e-10)


def test_a_pivot_has_a_least_size_and_no_sign(rng):
    """Then the solution points downhill, whatever the matrix."""
    half = rng.normal(size=(4, 4, 50))
    matrix = half + half.transpose(1, 0, 2)
    right = rng.normal(size=(4, 50))
    found = solve_symmetric(
        [[tensor(x) for x in row] for row in matrix], [tensor(x) for x in right], tensor(1e-3)
    )
    assert (np.sum(np.stack(found) * right, axis=0) > 0).all()
