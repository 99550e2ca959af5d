"""Metrics on poses and on distances."""

from fkarm.metrics.collision import CollisionRate
from fkarm.metrics.pose import OrientationError, PoseSuccess, PositionError

__all__ = ["CollisionRate", "OrientationError", "PoseSuccess", "PositionError"]
