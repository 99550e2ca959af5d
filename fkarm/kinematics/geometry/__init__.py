"""A robot's geometry as tensors: trained, drawn at random, another one in every row.

`description.py` has its arrays, `lines.py` turns them into those of a loop, `arrays.py` computes.
"""

from fkarm.kinematics.geometry.arrays import POSES, OfGeometry, of_geometry
from fkarm.kinematics.geometry.description import (
    Geometry,
    geometry_of,
    own_geometry,
    read_geometry,
    scale_bones,
)
from fkarm.kinematics.geometry.lines import Recipe, geometry_lines, with_geometry

__all__ = [
    "POSES",
    "Geometry",
    "OfGeometry",
    "Recipe",
    "geometry_lines",
    "geometry_of",
    "of_geometry",
    "own_geometry",
    "read_geometry",
    "scale_bones",
    "with_geometry",
]
