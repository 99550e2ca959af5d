"""The Manipulability layer."""

import numpy as np
import pytest
from autodiff import array
from checks import check_layer

import fkarm
from fkarm.layers import JointLimits, Manipulability

ARM = fkarm.robots.planar([1.0, 0.5])


def test_the_layer_is_a_keras_layer(tmp_path, rng):
    check_layer(
        lambda **kw: Manipulability(ARM, task=("x", "y"), **kw), rng.normal(size=(5, 2)), tmp_path
    )


def test_the_layer_computes_the_closed_form(rng):
    q = rng.uniform(-2, 2, size=(3, 4, 2))
    measure = Manipulability(ARM, task=["y", "x"], dtype="float64")(q)
    np.testing.assert_allclose(array(measure), 0.5 * np.abs(np.sin(q[..., 1])), atol=1e-12)
    middle = Manipulability(ARM, "link_2", task=("rz",), base="link_1", dtype="float64")(q)
    np.testing.assert_allclose(array(middle), 1.0, atol=1e-12)


def test_what_the_layer_refuses():
    with pytest.raises(TypeError, match="robot must be a fkarm.Robot"):
        Manipulability("panda")
    with pytest.raises(fkarm.UnknownLinkError, match="hand"):
        Manipulability(ARM, "hand")
    with pytest.raises(ValueError, match="task must be one of"):
        Manipulability(ARM, task="w")
    degrees = JointLimits(ARM, "deg")(np.zeros((1, JointLimits(ARM).input_size), "float32"))
    with pytest.raises(ValueError, match="The input of Manipulability must be in rad"):
        Manipulability(ARM, task=("x", "y"))(degrees)
