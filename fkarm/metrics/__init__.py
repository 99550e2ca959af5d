"""Metrics on poses."""

from fkarm.metrics.pose import OrientationError, PoseSuccess, PositionError

__all__ = ["OrientationError", "PoseSuccess", "PositionError"]
