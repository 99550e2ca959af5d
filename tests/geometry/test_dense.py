"""Products over components are those of NumPy."""

import numpy as np
import pytest
from autodiff import array, tensor

from fkarm.geometry import dense


def test_products_are_numpys(rng):
    a, b = rng.normal(size=(4, 2, 3)), rng.normal(size=(4, 3, 5))
    np.testing.assert_allclose(array(dense.multiply(tensor(a), tensor(b))), a @ b, atol=1e-14)
    vector = rng.normal(size=(4, 3))
    expected = np.einsum("bij,bj->bi", a, vector)
    np.testing.assert_allclose(array(dense.apply(tensor(a), tensor(vector))), expected, atol=1e-14)


def test_the_cross_product_broadcasts_and_checks_its_shapes(rng):
    a, b = rng.normal(size=(4, 1, 3)), rng.normal(size=(5, 3))
    np.testing.assert_allclose(array(dense.cross(a, b)), np.cross(a, b), atol=1e-14)
    with pytest.raises(ValueError, match=r"b must have shape \(\.\.\., 3\)"):
        dense.cross(a, b[:, :2])
