"""Manipulability: the determinant, closed forms, degrees of freedom."""

import numpy as np
import pytest
from autodiff import array, check_gradient, jacobian_of

import fkarm


@pytest.mark.parametrize(
    ("task", "rows"),
    [
        ("pose", range(6)),
        ("position", [0, 1, 2]),
        ("orientation", [3, 4, 5]),
        (("rz", "x"), [0, 5]),
    ],
    ids=str,
)
def test_manipulability_is_the_root_of_the_determinant(task, rows, panda):
    q = fkarm.sample_configurations(panda, 50, seed=4)
    jacobian = array(fkarm.geometric_jacobian(panda, q))[:, list(rows)]
    expected = np.sqrt(np.linalg.det(jacobian @ np.swapaxes(jacobian, -1, -2)))
    measured = fkarm.manipulability(panda, q, task=task)
    np.testing.assert_allclose(measured, expected, rtol=1e-9)


def test_manipulability_of_two_links_in_a_plane():
    arm = fkarm.robots.planar([1.0, 0.5])
    for q in ([0.3, 0.7], [0.1, -2.0], [0.5, 0.0]):
        measured = fkarm.manipulability(arm, np.array(q), task=("x", "y"))
        np.testing.assert_allclose(measured, 0.5 * abs(np.sin(q[1])), atol=1e-12)
    stretched = jacobian_of(lambda q: fkarm.manipulability(arm, q, task=("x", "y")), [0.5, 0.0])
    assert np.isfinite(stretched).all()


def test_the_gradient_of_manipulability(three_joints, rng):
    q = rng.uniform(-1, 1, 2)
    check_gradient(lambda q: fkarm.manipulability(three_joints, q, task=("x", "y")), q)


def test_more_axes_than_degrees_of_freedom_are_refused():
    with pytest.raises(ValueError, match="Received: 'pose', with 6. Name the axes"):
        fkarm.manipulability(fkarm.robots.planar([1.0, 0.5]), np.zeros(2))


def test_a_joint_with_several_entries_counts_as_several_degrees_of_freedom():
    flat = fkarm.Robot([fkarm.Joint("flat", "planar", parent="world", child="cart")])
    measure = fkarm.manipulability(flat, np.array([0.3, 0.4, 0.5]), task=("x", "y", "rz"))
    np.testing.assert_allclose(measure, 1.0)
    free = fkarm.Robot([fkarm.Joint("free", "floating", parent="world", child="body")])
    measure = fkarm.manipulability(free, np.array([1.0, 2, 3, 0.5, -0.5, 0.5, -0.5]))
    np.testing.assert_allclose(measure, 2.0**3)  # the angular velocity is 2 dquat quat^-1
    ball = fkarm.Robot([fkarm.Joint("ball", "spherical", parent="world", child="eye")])
    with pytest.raises(ValueError, match="'eye' has degrees of freedom in 'world': 3"):
        fkarm.manipulability(ball, np.ones(4), task=("x", "rx", "ry", "rz"))
