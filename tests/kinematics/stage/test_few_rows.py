"""Which calls run in NumPy, and how their batch axes come and go."""

import numpy as np
import pytest

from fkarm import config
from fkarm.kinematics.stage.few_rows import FEW_ROWS, are_few, by_numpy


@pytest.mark.parametrize(
    ("mode", "rows", "expected"),
    [
        ("auto", 0, True),
        ("auto", FEW_ROWS - 1, True),
        ("auto", FEW_ROWS, False),
        ("graph", 1, False),
        ("eager", 10**6, True),
    ],
)
def test_rows_and_mode_decide(mode, rows, expected):
    with config.compilation(mode):
        assert are_few(rows) is expected


@pytest.mark.parametrize("batch", [(), (4,), (2, 0), (2, 3)], ids=str)
def test_functions_see_one_batch_axis_of_float64(batch):
    seen = []

    def product(x, matrix, shared):
        seen.append((x.shape, matrix.shape, shared.shape, x.dtype))
        return x[:, :1] * shared[0], None

    x, matrix, shared = np.ones((*batch, 2), "float32"), np.ones((*batch, 3, 3)), np.full(5, 2.0)
    found, _ = by_numpy(product, [x, matrix, shared], (1, 2, None))
    rows = int(np.prod(batch))
    assert seen == [((rows, 2), (rows, 3, 3), (5,), np.dtype("float64"))]
    assert found.shape == (*batch, 1)
    assert found.dtype == np.float32
    assert (found == 2).all()


def test_nan_and_overflow_are_data():
    x = np.array([[-1.0], [1.0]], "float32")
    found, _ = by_numpy(lambda x: (np.sqrt(x) * 1e300, None), [x], (1,))
    assert np.isnan(found[0, 0])
    assert np.isinf(found[1, 0])
