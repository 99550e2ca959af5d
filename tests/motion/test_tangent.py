"""Steps lead from one configuration to another, quaternions by rotation vectors."""

import numpy as np
from scipy.spatial.transform import Rotation

from fkarm.motion.tangent import tangent_of


def configurations(robot, rng, rows=5):
    q = rng.uniform(-1, 1, (rows, robot.dof))
    for first in robot.quaternions:
        q[:, first : first + 4] /= np.linalg.norm(q[:, first : first + 4], axis=1, keepdims=True)
    return q


def test_a_step_leads_where_it_is_the_difference_to(free_robot, rng):
    tangent = tangent_of(free_robot)
    a, b = configurations(free_robot, rng), configurations(free_robot, rng)
    there = tangent.plus(b, tangent.minus(a, b))
    for first in free_robot.quaternions:  # either sign stands for the same rotation
        part = slice(first, first + 4)
        sign = np.sign(np.sum(there[:, part] * a[:, part], axis=1, keepdims=True))
        there[:, part] *= sign
    np.testing.assert_allclose(there, a, atol=1e-12)


def test_the_step_of_a_quaternion_is_a_rotation_vector_in_the_axes_before_it(free_robot, rng):
    tangent = tangent_of(free_robot)
    a, b = configurations(free_robot, rng), configurations(free_robot, rng)
    step = tangent.minus(a, b)
    for first, place in tangent.quaternions:
        turns = [Rotation.from_quat(np.roll(q[:, first : first + 4], -1, axis=1)) for q in (a, b)]
        expected = (turns[0] * turns[1].inv()).as_rotvec()
        np.testing.assert_allclose(step[:, place : place + 3], expected, atol=1e-12)


def test_a_quaternion_and_its_negative_are_no_step_apart(ball_and_plane, rng):
    tangent, q = tangent_of(ball_and_plane), configurations(ball_and_plane, rng)
    other = q.copy()
    first = ball_and_plane.quaternions[0]
    other[:, first : first + 4] *= -1.0
    np.testing.assert_allclose(tangent.minus(other, q), 0.0, atol=1e-12)


def test_an_endless_joint_goes_the_short_way(ball_and_plane):
    tangent = tangent_of(ball_and_plane)  # the last entry turns without end
    a, b = np.zeros((2, 7))
    a[0] = b[0] = 1.0
    a[6], b[6] = np.pi - 0.1, -np.pi + 0.1
    np.testing.assert_allclose(tangent.minus(a, b)[-1], -0.2, atol=1e-12)


def test_derivatives_by_a_step_are_differences(free_robot, rng):
    tangent, q = tangent_of(free_robot), configurations(free_robot, rng, 1)
    moving = np.arange(tangent.size)
    # The derivative of q itself by q is the identity.
    by_step = tangent.by_step(np.eye(free_robot.dof)[None], q, np.arange(free_robot.dof), moving)
    steps = 1e-6 * np.eye(tangent.size)
    there, back = (
        tangent.plus(np.repeat(q, len(steps), 0), steps),
        tangent.plus(np.repeat(q, len(steps), 0), -steps),
    )
    np.testing.assert_allclose(by_step[0], (there - back).T / 2e-6, atol=1e-8)
