"""Targets and predictions must be of the same rows: nothing is broadcast in silence."""

import numpy as np
import pytest
from oracles import pose

from fkarm.losses import BestHeadPoseLoss, PoseLoss, pose_loss
from fkarm.metrics import OrientationError, PoseSuccess, PositionError

COMPARERS = {
    "pose_loss": pose_loss,
    "PoseLoss": PoseLoss(),
    "PositionError": PositionError().update_state,
    "OrientationError": OrientationError().update_state,
    "PoseSuccess": PoseSuccess().update_state,
}
ON_ALL = pytest.mark.parametrize("compare", COMPARERS.values(), ids=COMPARERS)


def identities(*batch):
    return np.broadcast_to(np.eye(4), (*batch, 4, 4)).copy()


@ON_ALL
@pytest.mark.parametrize(
    ("true", "pred"), [((2,), (2, 2)), ((2, 2), (2,)), ((3,), (2,)), ((3, 2), (3, 4))], ids=str
)
def test_other_rows_are_refused(compare, true, pred):
    message = r"y_true and y_pred must have the same batch axes.*Received: shapes \("
    with pytest.raises(ValueError, match=message):
        compare(identities(*true), identities(*pred))


@ON_ALL
def test_a_missing_axis_is_given_its_place(compare):
    with pytest.raises(ValueError, match=r"y_true\[:, None\]"):
        compare(identities(3), identities(3, 2))
    compare(identities(3)[:, None], identities(3, 2))


def test_one_pose_can_be_the_target_of_all():
    away = np.stack([pose(position=(each, 0, 0)) for each in (0.1, 0.3)])
    np.testing.assert_allclose(pose_loss(np.eye(4), away), [0.1, 0.3])
    metric = PositionError("m")
    metric.update_state(np.eye(4), away)
    np.testing.assert_allclose(metric.result(), 0.2, rtol=1e-6)


@pytest.mark.parametrize(
    ("true", "pred"), [((3,), (3,)), ((3, 2), (3,)), ((3,), (3, 2, 2)), ((), (3, 2))], ids=str
)
def test_heads_need_an_axis_of_their_own(true, pred):
    message = r"y_pred must have one axis more than y_true: the heads.*Received: shapes \("
    with pytest.raises(ValueError, match=message):
        BestHeadPoseLoss()(identities(*true), identities(*pred))


def test_heads_of_other_rows_are_refused():
    with pytest.raises(ValueError, match="must have the same batch axes"):
        BestHeadPoseLoss()(identities(3), identities(2, 5))


def test_a_mask_of_heads_weighs_rows():
    """Weights of rows reach the loss of heads too."""
    heads = np.stack([[pose(position=(k, 0, 0)), pose(position=(5, 0, 0))] for k in (1.0, 2.0)])
    loss = BestHeadPoseLoss(relaxation=0.0, reduction="sum")
    np.testing.assert_allclose(loss(identities(2), heads, np.array([1.0, 10.0])), 21.0, rtol=1e-6)
