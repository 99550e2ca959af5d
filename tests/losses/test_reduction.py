"""Losses and metrics ignore padded rows, and a sample weight is the weight of a row."""

import keras
import numpy as np
import pytest
from oracles import pose, rot

import fkarm
from fkarm import metrics
from fkarm.losses import BestHeadPoseLoss, PoseLoss

ARM = fkarm.robots.planar([1.0, 0.5])
PADDING = -9.0
TURN = np.radians(10.0)


def of_sequences(links=None, output="matrix"):
    """A model of padded sequences of configurations."""
    q = keras.Input((3, 2))
    layer = fkarm.layers.ForwardKinematics(ARM, links, output)
    return keras.Model(q, layer(keras.layers.Masking(PADDING)(q)))


def sequences(links=None):
    """Six rows, three of them live and at the zero configuration, and their targets."""
    q = np.full((2, 3, 2), PADDING, "float32")
    q[0, :2] = q[1, :1] = 0.0
    target = np.array(of_sequences(links)(np.zeros_like(q)))
    # The live targets are 0.3, 0.1 and 0.2 m away, the second is also turned; padding is far away.
    target[0, 0, ..., 0, 3] += 0.3
    target[0, 1, ..., 0, 3] += 0.1
    target[0, 1, ..., :3, :3] = rot((0, 0, 1), TURN)
    target[1, 0, ..., 0, 3] += 0.2
    target[0, 2:], target[1, 1:] = pose(position=(5, 5, 5)), pose(position=(7, 7, 7))
    return q, target


@pytest.mark.parametrize("argument", ["metrics", "weighted_metrics"])
@pytest.mark.parametrize("links", [None, ["link_1", "tool"]], ids=["link", "links"])
def test_padded_rows_do_not_count(argument, links):
    model, (q, target) = of_sequences(links), sequences(links)
    several = [metrics.PositionError("m"), metrics.OrientationError(), metrics.PoseSuccess(0.15, 1)]
    model.compile("sgd", PoseLoss(orientation_weight=0.0), **{argument: several})
    actual = model.evaluate(q, target, verbose=0, return_dict=True)
    np.testing.assert_allclose(actual["loss"], 0.2, rtol=1e-5)
    np.testing.assert_allclose(actual["position_error_m"], 0.2, rtol=1e-5)
    np.testing.assert_allclose(actual["orientation_error_deg"], 10.0 / 3.0, rtol=1e-4)
    np.testing.assert_allclose(actual["pose_success"], 1.0 / 3.0, rtol=1e-5)


def test_padded_positions_do_not_count():
    model = of_sequences(output="position")
    metric = metrics.PositionError("m", output="position")
    model.compile("sgd", "mse", metrics=[metric, keras.metrics.MeanAbsoluteError(name="mae")])
    q = np.full((1, 3, 2), PADDING, "float32")
    q[0, 0] = 0
    y = np.zeros((1, 3, 3), "float32")
    y[0, 0] = [1.2, 0, 0]
    actual = model.evaluate(q, y, verbose=0, return_dict=True)
    np.testing.assert_allclose([actual["position_error_m"], actual["mae"]], [0.3, 0.1], rtol=1e-5)


@pytest.mark.parametrize("links", [None, ["link_1", "tool"]], ids=["link", "links"])
def test_weights_of_rows_combine_with_masks(links):
    model, (q, target) = of_sequences(links), sequences(links)
    model.compile(
        "sgd",
        PoseLoss(orientation_weight=0.0, reduction="mean_with_sample_weight"),
        weighted_metrics=[metrics.PositionError("m")],
    )
    expected = (3 * (0.3 + 0.1) + 0.2) / 7
    weight = np.array([3.0, 1.0], "float32")
    actual = model.evaluate(q, target, sample_weight=weight, verbose=0, return_dict=True)
    np.testing.assert_allclose(actual["loss"], expected, rtol=1e-5)
    np.testing.assert_allclose(actual["position_error_m"], expected, rtol=1e-5)


def of_links(rows, links=2):
    """Poses of several links: link 1 of row k is k m away from its target, link 2 is 2 k m away."""
    true = np.tile(np.eye(4), (rows, links, 1, 1))
    pred = true.copy()
    pred[..., 0, 3] = np.arange(rows)[:, None] * np.arange(1, links + 1)
    return true, pred


@pytest.mark.parametrize("shape", [(3,), (3, 1), (3, 2)], ids=str)
@pytest.mark.parametrize("rows", [2, 3])
def test_a_weight_of_a_row_counts_for_all_its_links(rows, shape):
    true, pred = of_links(rows)
    weight = np.arange(1.0, 4.0)[:rows]
    expected = np.sum(weight * np.arange(rows) * 1.5) / np.sum(weight)
    weight = np.broadcast_to(weight.reshape((rows,) + (1,) * (len(shape) - 1)), (rows, *shape[1:]))
    metric = metrics.PositionError("m")
    metric.update_state(true, pred, weight)
    np.testing.assert_allclose(metric.result(), expected, rtol=1e-6)
    loss = PoseLoss(orientation_weight=0.0, reduction="mean_with_sample_weight")
    np.testing.assert_allclose(loss(true, pred, weight), expected, rtol=1e-6)
    # Keras' usual reduction divides by the number of values.
    np.testing.assert_allclose(
        PoseLoss(orientation_weight=0.0)(true, pred, weight),
        np.mean(weight.reshape((rows, -1)) * pred[..., 0, 3]),
        rtol=1e-6,
    )


@pytest.mark.parametrize("weight", [np.ones(2), np.ones((3, 3)), np.ones((3, 2, 2))], ids=np.shape)
def test_weights_of_a_wrong_shape_are_refused(weight):
    true, pred = of_links(3)
    message = r"sample_weight must have one weight per row.*\(3, 2\).*Received: shape"
    for call in (metrics.PositionError().update_state, PoseLoss()):
        with pytest.raises(ValueError, match=message):
            call(true, pred, weight)


def test_padded_poses_do_not_count():
    """Keras' mask of padded matrices has one axis more than the rows."""
    poses = keras.Input((3, 4, 4))
    model = keras.Model(poses, keras.layers.Masking(PADDING)(poses))
    model.compile("sgd", PoseLoss(), metrics=[metrics.PositionError("m")])
    pred = np.full((1, 3, 4, 4), PADDING, "float32")
    pred[0, 0] = pose(position=(0.3, 0, 0))
    actual = model.evaluate(pred, np.tile(np.eye(4), (1, 3, 1, 1)), verbose=0, return_dict=True)
    np.testing.assert_allclose([actual["loss"], actual["position_error_m"]], 0.3, rtol=1e-5)


def test_a_batch_of_padding_counts_as_zero():
    model, (q, target) = of_sequences(), sequences()
    model.compile("sgd", PoseLoss(), metrics=[metrics.PositionError("m")])
    actual = model.evaluate(np.full_like(q, PADDING), target, verbose=0, return_dict=True)
    assert actual["loss"] == actual["position_error_m"] == 0.0


def test_a_row_of_weight_zero_does_not_count():
    true = np.tile(np.eye(4), (2, 3, 1, 1))
    pred = true.copy()
    pred[0, :, 0, 3] = 1.0
    np.testing.assert_allclose(PoseLoss()(true, pred), 0.5)
    np.testing.assert_allclose(PoseLoss()(true, pred, sample_weight=np.array([[0.0], [1.0]])), 0.0)


def test_weights_of_rows_apply_to_losses_of_several_heads():
    heads = np.stack([[pose(position=(k, 0, 0)), pose(position=(5, 0, 0))] for k in (1.0, 2.0)])
    loss = BestHeadPoseLoss(relaxation=0.0, reduction="sum")
    np.testing.assert_allclose(
        loss(np.tile(np.eye(4), (2, 1, 1)), heads, np.array([1.0, 10.0])), 21.0, rtol=1e-6
    )
