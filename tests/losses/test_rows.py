"""Losses and metrics refuse targets and predictions of different batch axes (`fkarm/_rows.py`)."""

import numpy as np
import pytest
from oracles import pose

from fkarm.losses import PoseLoss, pose_loss
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
def test_different_batch_axes_are_refused(compare, true, pred):
    message = r"y_true and y_pred must have the same batch axes.*Received: shapes \("
    with pytest.raises(ValueError, match=message):
        compare(identities(*true), identities(*pred))


@ON_ALL
def test_the_message_shows_where_to_insert_an_axis(compare):
    with pytest.raises(ValueError, match=r"y_true\[:, None\]"):
        compare(identities(3), identities(3, 2))
    compare(identities(3)[:, None], identities(3, 2))


def test_one_pose_can_be_the_target_of_all_predictions():
    away = np.stack([pose(position=(each, 0, 0)) for each in (0.1, 0.3)])
    np.testing.assert_allclose(pose_loss(np.eye(4), away), [0.1, 0.3])
    metric = PositionError("m")
    metric.update_state(np.eye(4), away)
    np.testing.assert_allclose(metric.result(), 0.2, rtol=1e-6)
