"""A robot's geometry as tensors: trained, drawn at random, another one in every row.

`description.py` has its arrays, `lines.py` turns them into those of a loop, `arrays.py` computes.
"""

from fkarm.kinematics.geometry.arrays import POSES, OfGeometry, of_geometry
from fkarm.kinematics.geometry.description import geometry_of, scale_bones

__all__ = ["POSES", "OfGeometry", "geometry_of", "of_geometry", "scale_bones"]
