"""A robot's geometry as tensors: trained, drawn at random, another one in every row.

`description.py` has its arrays, `lines.py` turns them into those of a loop, `poses.py` computes.
"""

from fkarm.kinematics.geometry.description import geometry_of, scale_bones
from fkarm.kinematics.geometry.poses import poses_of_geometry

__all__ = ["geometry_of", "poses_of_geometry", "scale_bones"]
