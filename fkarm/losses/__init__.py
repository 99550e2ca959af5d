"""Losses on poses."""

from fkarm.losses.best_head import BestHeadPoseLoss
from fkarm.losses.pose import PoseLoss, pose_loss

__all__ = ["BestHeadPoseLoss", "PoseLoss", "pose_loss"]
