"""JAX with float64 switched off, as it is unless told otherwise."""

import numpy as np
import pytest
from autodiff import BACKEND

import fkarm
from fkarm.ik.request import read_targets

jax = pytest.importorskip("jax") if BACKEND == "jax" else None
pytestmark = pytest.mark.skipif(BACKEND != "jax", reason="settings of JAX")
ARM = fkarm.robots.planar([1.0, 0.5])


@pytest.fixture
def single():
    jax.config.update("jax_enable_x64", False)
    yield
    jax.config.update("jax_enable_x64", True)


def test_float64_targets_are_solved_in_the_type_that_is_promised(single):
    with pytest.warns(UserWarning, match="JAX has float64 switched off. Call jax.config.update"):
        targets = read_targets(ARM, np.eye(4), None)
    assert targets["tool"].dtype == np.float32
    with (
        pytest.warns(UserWarning, match="solved in float32"),
        pytest.raises(ValueError, match="at least 2e-06 for float32 targets"),
    ):
        fkarm.solve_ik(ARM, np.eye(4), task=("x", "y"), position_tolerance=1e-9)


def test_float64_targets_stay_where_jax_has_float64():
    assert read_targets(ARM, np.eye(4), None)["tool"].dtype == np.float64


def test_a_comparison_that_needs_float64_is_refused(single):
    with pytest.raises(RuntimeError, match="compare_robots computes in float64. Received: JAX"):
        fkarm.compare_robots(ARM, ARM)
