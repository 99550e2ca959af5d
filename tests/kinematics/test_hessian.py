"""The Hessian is the derivative of the Jacobian, for joints of every type."""

import numpy as np
import pytest
from autodiff import COMPILED, check_gradient, in_mode, jacobian_of

import fkarm


@pytest.fixture(
    params=[
        "every_joint",
        "ball_and_plane",
        pytest.param("free_robot", marks=pytest.mark.in_test_all("every case")),
    ]
)
def robot(request):
    """All joint types between two fixtures; the third has them again, below a floating base."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def q(robot, rng):
    return rng.uniform(-1, 1, size=robot.dof)


def test_the_hessian_is_the_derivative_of_the_jacobian(robot, q):
    expected = jacobian_of(lambda x: fkarm.geometric_jacobian(robot, x), q)
    np.testing.assert_allclose(fkarm.kinematic_hessian(robot, q), expected, atol=1e-10)


def test_the_gradient_of_the_hessian(three_joints, rng):
    hessian = in_mode(lambda q: fkarm.kinematic_hessian(three_joints, q), COMPILED)
    check_gradient(hessian, rng.uniform(-1, 1, 2))
