"""Whole clips: paths of many links over time, within limits of position, speed and its change."""

from fkarm.motion.correspondence import KeyPoint
from fkarm.motion.path import solve_path
from fkarm.motion.ready import G1_BODY, SHADOW_HAND
from fkarm.motion.result import PathReason, SolvedPath
from fkarm.motion.retargeting import retarget

__all__ = [
    "G1_BODY",
    "SHADOW_HAND",
    "KeyPoint",
    "PathReason",
    "SolvedPath",
    "retarget",
    "solve_path",
]
