"""The guarded functions: right values, and finite gradients where the plain ones have none."""

import numpy as np
import pytest
from autodiff import MODES, array, gradient_of, in_mode, tensor
from keras import ops

from fkarm.geometry import safe


def gradients(function, *values, mode):
    """Gradients with respect to each argument, compiled or not: the rules at zero differ."""

    def of_one(index):
        def of_rest(x):
            inputs = [tensor(value, "float64") for value in values]
            inputs[index] = x
            return function(*inputs)

        return array(in_mode(gradient_of(of_rest), mode)(tensor(values[index], "float64")))

    return [of_one(index) for index in range(len(values))]


@pytest.mark.parametrize("mode", MODES)
def test_gradients_are_zero_where_there_is_none(mode):
    np.testing.assert_array_equal(gradients(safe.safe_sqrt, [0.0, -1.0], mode=mode)[0], 0.0)
    np.testing.assert_array_equal(gradients(safe.safe_norm, [0.0, 0.0, 0.0], mode=mode)[0], 0.0)
    for gradient in gradients(safe.safe_atan2, [0.0], [0.0], mode=mode):
        np.testing.assert_array_equal(gradient, 0.0)


@pytest.mark.parametrize("mode", MODES)
def test_gradients_are_the_plain_ones_elsewhere(mode):
    np.testing.assert_allclose(gradients(safe.safe_sqrt, [4.0], mode=mode)[0], 0.25)
    np.testing.assert_allclose(gradients(safe.safe_norm, [3.0, 4.0], mode=mode)[0], [0.6, 0.8])
    # On the negative x axis the angle jumps, its gradient does not.
    for y in (0.0, -0.0, 2.0):
        dy, dx = gradients(safe.safe_atan2, [y], [-1.0], mode=mode)
        np.testing.assert_allclose([dy[0], dx[0]], [-1 / (1 + y * y), -y / (1 + y * y)])


def test_values():
    np.testing.assert_array_equal(safe.safe_sqrt(np.array([0.0, 4.0, -1.0])), [0.0, 2.0, 0.0])
    np.testing.assert_array_equal(safe.safe_norm(np.zeros((2, 3))), [0.0, 0.0])
    angles = safe.safe_atan2(np.array([0.0, -0.0, 1.0, 0.0]), np.array([-1.0, -1.0, 0.0, 0.0]))
    np.testing.assert_array_equal(angles, [np.pi, np.pi, np.pi / 2, 0.0])
    assert np.isnan(array(safe.safe_norm(np.array([np.nan, 1.0]))))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_every_float_type_has_its_guard(dtype):
    zero = ops.zeros(3, dtype)
    assert float(safe.safe_norm(zero)) == 0.0
