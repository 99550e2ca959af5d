"""Answers that keep clear of the robot's own bodies and of obstacles."""

from fkarm.ik.clearance.search import ClearSearch, judged
from fkarm.ik.clearance.surroundings import Surroundings, surroundings, surroundings_of

__all__ = ["ClearSearch", "Surroundings", "judged", "surroundings", "surroundings_of"]
