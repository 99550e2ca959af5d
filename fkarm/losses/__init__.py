"""Losses on poses."""

from fkarm.losses.pose import PoseLoss, pose_loss

__all__ = ["PoseLoss", "pose_loss"]
