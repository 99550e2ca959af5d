"""Losses on poses and on distances."""

from fkarm.losses.best_head import BestHeadPoseLoss
from fkarm.losses.collision import CollisionLoss, collision_loss
from fkarm.losses.pose import PoseLoss, pose_loss

__all__ = ["BestHeadPoseLoss", "CollisionLoss", "PoseLoss", "collision_loss", "pose_loss"]
