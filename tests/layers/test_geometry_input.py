"""`ForwardKinematics` with a geometry as its second input."""

import keras
import numpy as np
import pytest
from autodiff import array, tensor

import fkarm
from fkarm.kinematics import geometry_of, scale_bones


@pytest.fixture
def arm():
    return fkarm.robots.planar([0.4, 0.3])


def test_positions_are_those_of_the_lengths(arm):
    factors = np.array([[1, 2, 1], [1, 1, 3]], "float32")
    geometry = scale_bones(geometry_of(arm), factors)
    layer = fkarm.layers.ForwardKinematics(arm, output="position")
    found = array(layer(np.zeros((2, 2), "float32"), geometry))
    np.testing.assert_allclose(found[:, 0], [1.1, 1.3], atol=1e-6)
    np.testing.assert_allclose(array(layer(np.zeros((2, 2), "float32")))[:, 0], 0.7, atol=1e-6)


def test_lengths_are_in_metres_whatever_the_units_of_the_layer(arm):
    layer = fkarm.layers.ForwardKinematics(
        arm, output="position", length_unit="mm", angle_unit="deg"
    )
    geometry = scale_bones(geometry_of(arm), np.array([1, 2, 1], "float32"))
    found = array(layer(np.array([[90, 0]], "float32"), geometry))
    np.testing.assert_allclose(found, [[0, 1100, 0]], atol=1e-3)


def test_a_model_with_a_geometry_trains_and_is_saved(arm, tmp_path):
    inputs, factors = keras.Input((2,)), keras.Input((3,))
    q = keras.layers.Dense(2, kernel_initializer="zeros")(inputs)
    geometry = {"origins": scale_bones(geometry_of(arm), factors)["origins"]}
    hand = fkarm.layers.ForwardKinematics(arm, output="position")(q, geometry)
    model = keras.Model([inputs, factors], hand)
    model.compile(optimizer=keras.optimizers.Adam(0.1), loss="mse")
    x = [np.ones((8, 2), "float32"), np.ones((8, 3), "float32")]
    target = np.tile(np.array([[0.3, 0.3, 0.0]], "float32"), (8, 1))
    before = model.evaluate(x, target, verbose=0)
    model.fit(x, target, epochs=60, verbose=0)
    assert model.evaluate(x, target, verbose=0) < 0.05 * before
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded.predict(x, verbose=0), model.predict(x, verbose=0), atol=1e-6)


def test_a_tool_moves_the_hand_in_its_own_axes(arm):
    q = fkarm.sample_configurations(arm, 20, seed=0, dtype="float32")
    tool = np.eye(4, dtype="float32")[:3]
    tool[:, 3] = 0.05, -0.02, 0.01
    layer = fkarm.layers.ForwardKinematics(arm, output="position")
    moved = array(layer(q, {"tool": tool}))
    pose = array(fkarm.forward_kinematics(arm, tensor(q)))
    in_hand = np.einsum("rji,rj->ri", pose[:, :3, :3], moved - pose[:, :3, 3])
    np.testing.assert_allclose(in_hand, np.tile(tool[:, 3], (20, 1)), atol=1e-6)


def test_joint_values_by_name_are_still_refused(arm):
    with pytest.raises(TypeError, match="without names"):
        fkarm.layers.ForwardKinematics(arm)({"joint_1": np.zeros(3)})
