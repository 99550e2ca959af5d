"""Banded systems have the solutions that dense ones have."""

import numpy as np
import pytest

from fkarm.motion.banded import solve_banded


@pytest.mark.parametrize("time", [1, 2, 3, 4, 7])
def test_the_solution_is_that_of_the_dense_system(time, rng):
    clips, n = 2, 3
    blocks = rng.normal(size=(clips, time, n, n))
    blocks = blocks @ blocks.swapaxes(-1, -2) + 10 * np.eye(n)
    to_next, to_second = (rng.normal(size=(clips, max(time - k, 0), n)) for k in (1, 2))
    dense = np.zeros((clips, time, n, time, n))
    for t in range(time):
        dense[:, t, :, t] = blocks[:, t]
        for step, band in ((1, to_next), (2, to_second)):
            if t + step < time:
                between = band[:, t, :, None] * np.eye(n)
                dense[:, t, :, t + step] = dense[:, t + step, :, t] = between
    right = rng.normal(size=(clips, time, n))
    expected = np.linalg.solve(
        dense.reshape(clips, time * n, time * n), right.reshape(clips, time * n, 1)
    )
    got = solve_banded(blocks, to_next, to_second, right)
    np.testing.assert_allclose(got.reshape(clips, time * n, 1), expected, atol=1e-12)


def test_long_systems_keep_their_digits(rng):
    time, n = 300, 6
    change = np.diff(np.eye(time), n=2, axis=0)
    coupling = change.T @ change
    blocks = rng.normal(size=(time, n, 3)) * 0.1
    blocks = blocks @ blocks.swapaxes(-1, -2) + np.diag(coupling)[:, None, None] * np.eye(n)
    blocks += 1e-6 * np.eye(n)
    bands = [np.diag(coupling, k)[:, None] * np.ones(n) for k in (1, 2)]
    expected = rng.normal(size=(time, n))
    right = np.einsum("tij,tj->ti", blocks, expected)
    right += (coupling - np.diag(np.diag(coupling))) @ expected
    got = solve_banded(blocks[None], bands[0][None], bands[1][None], right[None])
    np.testing.assert_allclose(got[0], expected, atol=1e-6)
