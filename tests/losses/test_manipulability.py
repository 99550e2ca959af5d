"""`ManipulabilityLoss`: its values and gradients, and an arm that leaves a singularity."""

import keras
import numpy as np
import pytest
from autodiff import array, check_gradient, jacobian_of

import fkarm
from fkarm.losses import ManipulabilityLoss, manipulability_loss


def test_the_loss_is_the_squared_share_that_is_lacking():
    wanted = np.array([0.2, 0.2, 0.2, 0.2, 0.0])
    measure = np.array([0.0, 0.05, 0.2, 0.7, 0.0])
    expected = [1.0, 0.75**2, 0.0, 0.0, 0.0]
    np.testing.assert_allclose(manipulability_loss(wanted, measure), expected, atol=1e-15)
    np.testing.assert_allclose(manipulability_loss(0.2, measure)[:4], expected[:4], atol=1e-15)


def test_gradients_are_finite_and_zero_where_nothing_is_lacking():
    wanted = np.array([0.2, 0.2, 0.0])
    check_gradient(lambda m: manipulability_loss(wanted, m), [0.07, 0.5, 0.1])
    slopes = np.diag(jacobian_of(lambda m: manipulability_loss(wanted, m), [0.0, 0.2, 0.0]))
    np.testing.assert_allclose(slopes, [-2 / 0.2, 0.0, 0.0], atol=1e-12)


def test_rows_are_weighted_and_masked():
    loss = ManipulabilityLoss()
    wanted, measure = np.full(3, 0.1), np.array([0.0, 0.1, 0.05])
    np.testing.assert_allclose(loss(wanted, measure), 1.25 / 3, atol=1e-6)
    weighted = loss(wanted, measure, sample_weight=np.array([3.0, 1.0, 0.0]))
    np.testing.assert_allclose(weighted, 1.0, atol=1e-6)
    each = ManipulabilityLoss(reduction=None)(wanted, measure)
    np.testing.assert_allclose(each, [1.0, 0.0, 0.25], atol=1e-6)


def test_descending_the_loss_bends_a_stretched_arm():
    """The measure of two links is `a b |sin q_2|` in closed form."""
    arm = fkarm.robots.planar([1.0, 0.5])

    def loss(q):
        return manipulability_loss(0.4, fkarm.manipulability(arm, q, task=("x", "y")))

    q = np.array([0.3, 0.05])
    for _ in range(100):
        q = q - 0.1 * jacobian_of(loss, q)
    assert 0.5 * np.sin(q[1]) > 0.35
    assert np.isfinite(jacobian_of(loss, np.zeros(2))).all()
    assert float(array(loss(np.zeros(2)))) == 1.0


def test_other_rows_are_refused():
    with pytest.raises(ValueError, match="y_true and y_pred must have the same batch axes"):
        manipulability_loss(np.ones(3), np.ones(2))
    assert (
        keras.losses.deserialize(keras.losses.serialize(ManipulabilityLoss(name="a"))).name == "a"
    )
