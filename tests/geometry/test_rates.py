"""Rates of the numbers of an orientation, against differences."""

import numpy as np
import pytest
from autodiff import array, tensor
from oracles import central_difference
from scipy.spatial.transform import Rotation

from fkarm import geometry
from fkarm.geometry import rates

CASES = {
    "rpy": (geometry.matrix_to_rpy, rates.rpy_rate),
    "ypr": (geometry.matrix_to_ypr, rates.ypr_rate),
    "rotvec": (geometry.so3_log, rates.left_jacobian_inverse),
    "quat_wxyz": (geometry.matrix_to_quat_wxyz, rates.quat_wxyz_rate),
    "quat_xyzw": (geometry.matrix_to_quat_xyzw, rates.quat_xyzw_rate),
    "rot6d": (geometry.matrix_to_rot6d, rates.rot6d_rate),
}


@pytest.mark.parametrize("size", [1e-3, 0.8, 2.0])
@pytest.mark.parametrize("name", CASES)
def test_a_rate_is_the_difference_of_the_numbers(name, size):
    numbers_of, rate = CASES[name]
    start = Rotation.from_rotvec(size * np.array([2, -1, 2]) / 3)
    angular = np.array([0.3, -0.5, 0.7])

    def moved(time):
        turned = (Rotation.from_rotvec(time[0] * angular) * start).as_matrix()
        return array(numbers_of(turned))

    expected = central_difference(moved, [0.0])[:, 0]
    found = rate(numbers_of(start.as_matrix()), tensor(angular))
    np.testing.assert_allclose(array(found), expected, atol=1e-8)
