"""Sine and cosine by polynomials, to a unit in the last place."""

import numpy as np
import pytest
from autodiff import (
    array,
    tensor,
)

from fkarm.kinematics.sine import is_small, polynomial_sincos


@pytest.mark.parametrize(
    ("dtype", "largest", "unit"), [("float32", 8e3, 6e-8), ("float64", 1e5, 1.2e-16)]
)
def test_the_polynomials_are_sine_and_cosine(dtype, largest, unit):
    rng = np.random.default_rng(0)
    quarters = np.arange(-4000, 4000) * (np.pi / 2)
    angle = np.concatenate([rng.uniform(-r, r, 20_000) for r in (1, 10, largest)] + [quarters])
    angle = angle.astype(dtype)
    sine, cosine = (array(each) for each in polynomial_sincos(tensor(angle)))
    exact = angle.astype(np.longdouble)
    np.testing.assert_allclose(sine, np.sin(exact).astype(float), atol=2 * unit, rtol=0)
    np.testing.assert_allclose(cosine, np.cos(exact).astype(float), atol=2 * unit, rtol=0)
    assert is_small(tensor([largest, -largest, np.nan], dtype))
    assert not is_small(tensor([0, -1.1 * largest], dtype))
