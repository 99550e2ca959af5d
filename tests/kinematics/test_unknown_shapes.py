"""Symbolic inputs with several unknown axes, and tensors that do not know how many they have."""

import keras
import numpy as np
import pytest
from autodiff import array

import fkarm
from fkarm.kinematics import reference

FUNCTIONS = [
    fkarm.forward_kinematics,
    fkarm.geometric_jacobian,
    fkarm.body_jacobian,
    fkarm.analytic_jacobian,
    fkarm.kinematic_hessian,
]


@pytest.fixture(scope="module")
def arm():
    return fkarm.robots.planar([0.7, 0.4])


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
def test_a_symbolic_input_may_have_several_unknown_axes(function, arm, rng):
    q = keras.Input((None, 2))
    model = keras.Model(q, function(arm, q, "tool"))
    x = rng.uniform(-1, 1, size=(2, 4, 2)).astype("float32")
    expected = array(function(arm, x.reshape(8, 2).astype("float64"), "tool"))
    expected = expected.reshape(2, 4, *expected.shape[1:])
    assert tuple(model.output.shape) == (None, None, *expected.shape[2:])
    np.testing.assert_allclose(model.predict(x, verbose=0), expected, atol=2e-6)


def test_all_links_of_a_symbolic_input_with_several_unknown_axes(arm, rng):
    q = keras.Input((None, None, 2))
    model = keras.Model(q, fkarm.forward_kinematics(arm, q, arm.link_names))
    x = rng.uniform(-1, 1, size=(2, 1, 4, 2)).astype("float32")
    expected = reference.forward_kinematics(arm, x, arm.link_names)
    np.testing.assert_allclose(model.predict(x, verbose=0), expected, atol=2e-6)


@pytest.mark.only_on("tensorflow", reason="tensors that do not know their number of axes")
def test_a_tensor_of_unknown_rank_is_refused_with_what_to_do(panda):
    import tensorflow as tf

    layer = fkarm.layers.ForwardKinematics(panda)
    layer(np.zeros((1, 7), "float32"))
    functions = [
        lambda q: fkarm.forward_kinematics(panda, q, "panda_hand"),
        lambda q: fkarm.geometric_jacobian(panda, q),
        layer,
    ]
    for function in functions:
        data = tf.data.Dataset.from_generator(lambda: iter([np.zeros(7)]), tf.float32)
        with pytest.raises(
            ValueError, match=r"of axes: \(\.\.\., 7\).*ensure_shape\(x, \(None, 7\)\)"
        ):
            data.map(tf.autograph.experimental.do_not_convert(function))
    with pytest.raises(
        ValueError, match=r"matrix must have a known number of axes: \(\.\.\., 3, 3\)"
    ):
        tf.function(fkarm.geometry.matrix_to_rpy, [tf.TensorSpec(None)], autograph=False)(
            np.eye(3, dtype="float32")
        )
