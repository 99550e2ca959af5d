"""The loss of several predictions per target."""

import keras
import numpy as np
import pytest
from autodiff import array, gradient_of, tensor
from oracles import pose, rot

from fkarm.losses import BestHeadPoseLoss, PoseLoss

TARGET = np.eye(4)[None]


def heads(*distances):
    """Poses at these distances from the identity. `(1, heads, 4, 4)`."""
    return np.stack([pose(position=(distance, 0, 0)) for distance in distances])[None]


def targets(*batch):
    """Identities. `(*batch, 4, 4)`."""
    return np.broadcast_to(np.eye(4), (*batch, 4, 4)).copy()


def test_the_loss_is_the_best_head_plus_a_share_of_the_mean():
    loss = BestHeadPoseLoss(2.0, 0.3, relaxation=0.25)
    actual = loss(TARGET, heads(0.4, 0.1, 0.7))
    np.testing.assert_allclose(actual, 2.0 * (0.75 * 0.1 + 0.25 * 0.4), rtol=1e-6)


def test_every_target_has_its_own_best_head():
    targets = np.stack([np.eye(4), pose(position=(1, 0, 0))])
    both = np.concatenate([heads(0.1, 1.2)] * 2)
    losses = array(BestHeadPoseLoss(relaxation=0.0, reduction=None)(targets, both))
    np.testing.assert_allclose(losses, [0.1, 0.2], rtol=1e-5)


def test_the_loss_of_one_head_is_the_pose_loss(rng):
    turned = pose(rot((1, 2, 3), 0.7), rng.normal(size=3))
    plain = PoseLoss(1.5, 0.2, "chordal")(TARGET, turned[None])
    np.testing.assert_allclose(
        BestHeadPoseLoss(1.5, 0.2, orientation="chordal")(TARGET, turned[None, None]),
        plain,
        rtol=1e-6,
    )


def test_heads_can_have_any_output_format():
    rows = np.array([[[0.3, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0.5]]])
    loss = BestHeadPoseLoss(1.0, 1.0, relaxation=0.0, output="xyz_rotvec")
    np.testing.assert_allclose(loss(np.zeros((1, 6)), rows), 0.3, rtol=1e-6)


def test_without_relaxation_only_the_best_head_learns():
    for relaxation, is_left_out in ((0.0, True), (0.1, False)):
        loss = BestHeadPoseLoss(relaxation=relaxation)
        slope = gradient_of(lambda y, loss=loss: loss(tensor(TARGET), y))(
            tensor(heads(0.4, 0.1), "float64")
        )
        slope = array(slope)[0, :, 0, 3]
        assert slope[1] > 0.5
        assert (slope[0] == 0.0) == is_left_out


def test_the_loss_is_restored_from_its_configuration():
    loss = BestHeadPoseLoss(2.0, 0.3, 0.2, orientation="chordal")
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(loss))
    assert type(again) is BestHeadPoseLoss
    assert again.get_config() == loss.get_config()


@pytest.mark.parametrize("relaxation", [-0.1, 1.1, float("nan")])
def test_a_share_outside_0_to_1_is_refused(relaxation):
    with pytest.raises(ValueError, match="relaxation must be from 0 to 1"):
        BestHeadPoseLoss(relaxation=relaxation)


@pytest.mark.parametrize(
    ("true", "pred"), [((3,), (3,)), ((3, 2), (3,)), ((3,), (3, 2, 2)), ((), (3, 2))], ids=str
)
def test_heads_without_their_own_axis_are_refused(true, pred):
    message = r"y_pred must have one axis more than y_true: the heads.*Received: shapes \("
    with pytest.raises(ValueError, match=message):
        BestHeadPoseLoss()(targets(*true), targets(*pred))


def test_heads_of_other_batch_axes_are_refused():
    with pytest.raises(ValueError, match="must have the same batch axes"):
        BestHeadPoseLoss()(targets(3), targets(2, 5))
