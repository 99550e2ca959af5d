"""Inverse kinematics: configurations that bring links to target poses."""

from fkarm.ik.finding import IKResult
from fkarm.ik.path import PathResult, follow_path
from fkarm.ik.seeds import SeedTable
from fkarm.ik.solve import solve_ik

__all__ = ["IKResult", "PathResult", "SeedTable", "follow_path", "solve_ik"]
