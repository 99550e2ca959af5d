"""Losses on poses and configurations."""

from fkarm.losses.best_head import BestHeadPoseLoss
from fkarm.losses.manipulability import ManipulabilityLoss, manipulability_loss
from fkarm.losses.pose import PoseLoss, pose_loss

__all__ = [
    "BestHeadPoseLoss",
    "ManipulabilityLoss",
    "PoseLoss",
    "manipulability_loss",
    "pose_loss",
]
