"""Distances between a robot's links, and between them and obstacles.

The bodies of a robot (`robot.bodies`) are spheres and capsules. Distances are signed, in metres,
and negative where bodies overlap.
"""

from fkarm.collision.link_pairs import pairs
from fkarm.collision.obstacle_file import read_obstacles
from fkarm.collision.obstacles import Box, Capsule, DistanceGrid, HalfSpace, Sphere
from fkarm.collision.self_distances import closest_pair, pair_distances, self_distance
from fkarm.collision.world_distances import world_distance

__all__ = [
    "Box",
    "Capsule",
    "DistanceGrid",
    "HalfSpace",
    "Sphere",
    "closest_pair",
    "pair_distances",
    "pairs",
    "read_obstacles",
    "self_distance",
    "world_distance",
]
