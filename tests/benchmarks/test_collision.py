"""The benchmark of distances measures what it says."""

import numpy as np
import pytest

import fkarm
from benchmarks import collision

pytestmark = pytest.mark.in_test_all("benchmark")


@pytest.mark.parametrize("case", ["panda, spheres", "panda, capsules"])
def test_both_measure_the_same_distances(case):
    robot = collision.robot_of(case)
    q = fkarm.sample_configurations(robot, 20, seed=0, dtype="float32").astype(float)
    theirs = collision.peer(case).run(20)
    np.testing.assert_allclose(fkarm.collision.self_distance(robot, q), theirs, atol=1e-10)


def test_the_panda_has_about_sixty_spheres():
    robot = collision.robot_of("panda, spheres")
    assert 55 <= len(robot.bodies) <= 65
    assert {body.shape for body in robot.bodies} == {"sphere"}


def test_a_trial_gives_distances_and_gradients():
    trial = collision.ours("panda, spheres")
    distance, gradient = trial.run()
    assert distance.shape == (collision.ROWS,)
    assert gradient.shape == (collision.ROWS, 7)
    assert np.isfinite(gradient).all()
