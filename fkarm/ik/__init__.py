"""Inverse kinematics: configurations that bring links to target poses."""

from fkarm.ik.path import PathResult, follow_path
from fkarm.ik.seeds import SeedTable
from fkarm.ik.solve import IKResult, solve_ik

__all__ = ["IKResult", "PathResult", "SeedTable", "follow_path", "solve_ik"]
