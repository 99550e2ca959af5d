"""The share of rows that collide."""

import numpy as np
import pytest
from autodiff import in_mode, tensor

from fkarm.metrics import CollisionRate


def test_a_row_collides_if_its_smallest_distance_is_below_the_clearance():
    distances = np.array([[0.5, 0.01], [-0.1, 0.3], [np.nan, 1.0], [0.0, 0.2]])
    target = np.zeros((4, 1))
    assert float(CollisionRate()(target, distances)) == 0.5
    assert float(CollisionRate(0.02)(target, distances)) == 1.0
    weights = np.array([1.0, 1.0, 0.0, 0.0])
    assert float(CollisionRate(0.0, "name")(target, distances, weights)) == 0.5


@pytest.mark.only_on("tensorflow", reason="graphs of TensorFlow, which rewrite comparisons")
@pytest.mark.parametrize("mode", ["eager", "graph", "xla"])
def test_a_row_with_nan_collides_in_every_mode(mode):
    distances = np.array([[0.5, np.nan], [np.nan, 0.5], [0.5, 0.5], [np.nan, np.nan]], "float32")
    rate = CollisionRate()
    in_mode(lambda x: rate.update_state(x, x), mode)(tensor(distances))
    assert float(rate.result()) == 0.75


def test_a_clearance_is_a_number():
    with pytest.raises(ValueError, match="clearance must be a finite number"):
        CollisionRate(np.nan)
