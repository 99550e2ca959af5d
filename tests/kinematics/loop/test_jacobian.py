"""Jacobians by loops."""

import numpy as np
import pytest
from autodiff import array, gradient_of, tensor
from joint_types import ROBOTS, sample

import fkarm

pytestmark = pytest.mark.only_on("tensorflow", reason="kinematics by loops")
JACOBIANS = {"geometric": fkarm.geometric_jacobian, "body": fkarm.body_jacobian}
every_jacobian = pytest.mark.parametrize("jacobian", JACOBIANS.values(), ids=JACOBIANS)


@every_jacobian
@pytest.mark.parametrize("name", ROBOTS)
def test_jacobians_are_those_of_numpy(jacobian, name, looped, request):
    robot = request.getfixturevalue(name)
    q = tensor(sample(robot))
    for link in robot.link_names:
        found = array(jacobian(robot, q, link))
        with fkarm.config.compilation("eager"):
            expected = array(jacobian(robot, q, link))
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, atol=1e-13)


@every_jacobian
def test_the_distance_of_the_base_costs_no_digits(jacobian, looped, free_robot):
    q = sample(free_robot)
    with fkarm.config.compilation("eager"):
        exact = array(jacobian(free_robot, tensor(q)))
    far = q.astype("float32")
    far[:, :3] += 1000  # of the floating base
    found = array(jacobian(free_robot, tensor(far)))
    np.testing.assert_allclose(found, exact, atol=1e-5)


@every_jacobian
def test_gradients_are_those_of_numpy(jacobian, looped, three_joints):
    q = tensor(sample(three_joints))
    slope = gradient_of(lambda q: jacobian(three_joints, q) ** 2)
    found = array(slope(q))
    with fkarm.config.compilation("eager"):
        expected = array(slope(q))
    np.testing.assert_allclose(found, expected, atol=1e-12)
