"""Inverse kinematics: configurations that bring links to target poses."""

from fkarm.ik.closed_form import ClosedForm, ClosedFormSolutions, closed_form
from fkarm.ik.path import PathResult, follow_path
from fkarm.ik.reach_map import ReachabilityMap, reachability
from fkarm.ik.result import IKReason, IKResult, IKSolutions
from fkarm.ik.solve import solve_ik, solve_ik_all
from fkarm.ik.starts import StartTable

__all__ = [
    "ClosedForm",
    "ClosedFormSolutions",
    "IKReason",
    "IKResult",
    "IKSolutions",
    "PathResult",
    "ReachabilityMap",
    "StartTable",
    "closed_form",
    "follow_path",
    "reachability",
    "solve_ik",
    "solve_ik_all",
]
