"""The share of rows that collide."""

import numpy as np
import pytest

from fkarm.metrics import CollisionRate


def test_a_row_collides_if_its_smallest_distance_is_below_the_clearance():
    distances = np.array([[0.5, 0.01], [-0.1, 0.3], [np.nan, 1.0], [0.0, 0.2]])
    target = np.zeros((4, 1))
    assert float(CollisionRate()(target, distances)) == 0.5
    assert float(CollisionRate(0.02)(target, distances)) == 1.0
    weights = np.array([1.0, 1.0, 0.0, 0.0])
    assert float(CollisionRate(0.0, "name")(target, distances, weights)) == 0.5


def test_a_clearance_is_a_number():
    with pytest.raises(ValueError, match="clearance must be a finite number"):
        CollisionRate(np.nan)
