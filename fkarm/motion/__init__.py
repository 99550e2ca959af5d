"""Whole clips: paths of many links over time, within limits of position, speed and its change."""

from fkarm.motion.path import solve_path
from fkarm.motion.result import PathReason, SolvedPath

__all__ = ["PathReason", "SolvedPath", "solve_path"]
