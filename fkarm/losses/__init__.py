"""Losses on poses, on distances and on configurations."""

from fkarm.losses.best_head import BestHeadPoseLoss
from fkarm.losses.collision import CollisionLoss, collision_loss
from fkarm.losses.manipulability import ManipulabilityLoss, manipulability_loss
from fkarm.losses.pose import PoseLoss, pose_loss

__all__ = [
    "BestHeadPoseLoss",
    "CollisionLoss",
    "ManipulabilityLoss",
    "PoseLoss",
    "collision_loss",
    "manipulability_loss",
    "pose_loss",
]
