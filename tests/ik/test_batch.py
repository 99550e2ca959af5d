"""Calls of compiled searches: few sizes, every row once, in its place."""

import numpy as np
import pytest
from autodiff import array

from fkarm.ik.batch import FEW, ROWS, run_in_chunks, starts_to_try


@pytest.mark.parametrize("count", [0, 1, 127, 128, 129, FEW, FEW + 1, 1152, 1153, 4224, 9000])
def test_rows_come_back_in_their_places(count):
    sizes = []

    def function(x, y, values):
        sizes.append(len(x))
        return x + values[0], y

    x, y = np.arange(2.0 * count).reshape(count, 2), np.arange(float(count))
    first, second = run_in_chunks(function, x, y, shared=(np.array([0.5]),))
    np.testing.assert_array_equal(first, x + 0.5)
    np.testing.assert_array_equal(second, y)
    assert len(set(sizes)) == 1
    assert sizes[0] in ROWS
    assert sum(sizes) <= max(3 * count, ROWS[0])
    assert len(sizes) <= 3 + count // ROWS[-1]


@pytest.mark.parametrize("wished", [1, 3, 16, 64])
@pytest.mark.parametrize("count", [1, 40, 181, 400, 1000, 5000])
def test_starts_fill_the_sizes(count, wished):
    starts = starts_to_try(count, wished)
    assert starts >= 1
    whole = run_in_chunks(lambda x: [x], np.zeros(count * starts))[0]
    assert array(whole).shape == (count * starts,)
    if count * wished <= ROWS[0]:
        assert starts == ROWS[0] // count
