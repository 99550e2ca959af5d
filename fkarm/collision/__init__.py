"""Distances between a robot's links, and between them and obstacles.

The bodies of a robot (`robot.bodies`) are spheres and capsules. Distances are signed, in metres,
and negative where bodies overlap.
"""

from fkarm.collision.link_pairs import pairs
from fkarm.collision.self_distances import closest_pair, pair_distances, self_distance

__all__ = ["closest_pair", "pair_distances", "pairs", "self_distance"]
