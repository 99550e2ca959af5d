"""The loss of distances."""

import numpy as np
import pytest
from autodiff import array, gradient_of, tensor

from fkarm.losses import CollisionLoss, collision_loss

DISTANCES = np.array([[0.5, 0.01], [-0.1, 0.0], [0.02, 1.0]])


def test_the_loss_is_how_far_distances_are_below_the_margin():
    np.testing.assert_allclose(
        array(collision_loss(DISTANCES, 0.02)), [0.01, 0.14, 0.0], atol=1e-12
    )


def test_a_soft_loss_is_near_and_smooth():
    soft, hard = (array(collision_loss(DISTANCES, 0.02, s)) for s in (0.01, 0.0))
    assert (soft > hard).all()
    assert (soft - hard < 2 * 0.0070).all()
    expected = 0.01 * np.log1p(np.exp((0.02 - DISTANCES) / 0.01)).sum(axis=-1)
    np.testing.assert_allclose(soft, expected, rtol=1e-6)


def test_the_gradient_pushes_apart_what_is_too_near():
    gradient = gradient_of(lambda d: collision_loss(d, 0.015))(tensor(DISTANCES))
    np.testing.assert_array_equal(array(gradient), [[0, -1], [-1, -1], [0, 0]])


def test_weights_belong_to_rows():
    loss = CollisionLoss(0.02)
    weight = np.array([1.0, 0.0, 3.0])
    np.testing.assert_allclose(loss(np.zeros((3, 1)), DISTANCES, weight), 0.01 / 3, rtol=1e-5)


def test_bad_margins_are_refused():
    with pytest.raises(ValueError, match="margin must be a finite number >= 0"):
        CollisionLoss(-1.0)
    with pytest.raises(ValueError, match="softness must be a finite number >= 0"):
        CollisionLoss(softness=np.inf)
    with pytest.raises(ValueError, match="softness"):
        collision_loss(DISTANCES, softness=-1.0)
