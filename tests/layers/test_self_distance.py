"""The layer of distances."""

import keras
import numpy as np
import pytest
from autodiff import array

import fkarm
from fkarm import Body
from fkarm.collision import pair_distances, self_distance
from fkarm.layers import SelfDistance


@pytest.fixture(scope="module")
def arm():
    robot = fkarm.robots.planar([0.5, 0.4, 0.3])
    return robot.with_bodies([Body(link, "sphere", 0.1) for link in robot.link_names])


@pytest.fixture(scope="module")
def q(arm):
    return fkarm.sample_configurations(arm, 6, seed=0, dtype="float32")


def test_the_layer_returns_what_the_functions_do(arm, q):
    np.testing.assert_allclose(array(SelfDistance(arm)(q))[:, 0], array(self_distance(arm, q)))
    by_pair = SelfDistance(arm, by_pair=True)
    np.testing.assert_allclose(array(by_pair(q)), array(pair_distances(arm, q)))
    assert by_pair.compute_output_shape((None, 3)) == (None, len(by_pair.pairs))


def test_angles_in_degrees(arm, q):
    degrees = SelfDistance(arm, angle_unit="deg")
    np.testing.assert_allclose(
        array(degrees(np.rad2deg(q))), array(SelfDistance(arm)(q)), atol=1e-6
    )


def test_the_configuration_contains_robot_bodies_and_pairs(arm, q):
    layer = SelfDistance(arm, [(arm.link_names[0], arm.end_effector)], by_pair=True)
    config = keras.saving.serialize_keras_object(layer)
    again = keras.saving.deserialize_keras_object(config)
    assert again.robot.bodies == arm.bodies
    assert again.pairs == layer.pairs
    np.testing.assert_array_equal(array(again(q)), array(layer(q)))


def test_bad_arguments_are_refused(arm):
    with pytest.raises(TypeError, match="robot must be a fkarm.Robot"):
        SelfDistance("panda")
    with pytest.raises(fkarm.RobotError, match="robot has no bodies"):
        SelfDistance(fkarm.robots.planar([1.0]))
    with pytest.raises(ValueError, match=r"q must have shape \(..., 3\)"):
        SelfDistance(arm)(np.zeros((2, 4), "float32"))
