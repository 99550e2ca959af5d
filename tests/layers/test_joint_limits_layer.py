"""The JointLimits layer: inside the limits whatever comes in, smooth, complete."""

import math

import keras
import numpy as np
import pytest
from autodiff import array, check_gradient, gradient_of
from checks import check_layer
from keras import ops

import fkarm
from fkarm import Joint
from fkarm.layers import JointLimits


@pytest.fixture(scope="module")
def every_limit():
    return fkarm.Robot.from_joints(
        [
            Joint("both", lower=-1.0, upper=2.0),
            Joint("endless", "continuous"),
            Joint("below", lower=0.5),
            Joint("above", "prismatic", upper=-0.3),
            Joint("rail", "prismatic"),
            Joint("free"),
        ]
    )


def test_the_contract(panda, every_limit, tmp_path, rng):
    check_layer(lambda **kw: JointLimits(panda, **kw), rng.normal(size=(5, 7)), tmp_path)
    check_layer(lambda **kw: JointLimits(every_limit, **kw), rng.normal(size=(5, 8)), tmp_path)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
@pytest.mark.parametrize("scale", [0.1, 3.0, 30.0, 1e4], ids=str)
def test_the_output_is_within_the_limits_to_the_last_bit(dtype, scale, every_limit, panda, rng):
    for robot in (panda, every_limit, fkarm.robots.fr3(gripper=True)):
        layer = JointLimits(robot, dtype=dtype)
        x = scale * rng.normal(size=(500, layer.input_size))
        q = layer(x.astype("float64" if dtype == "float64" else "float32"))
        q = array(ops.cast(q, "float64"))
        assert (q >= robot.lower_limits).all()
        assert (q <= robot.upper_limits).all()
        assert np.isfinite(q).all()


def test_each_kind_of_limit_has_its_map(every_limit):
    layer = JointLimits(every_limit, dtype="float64")
    assert layer.input_size == 8
    x = np.array([0.7, 3.0, -4.0, 0.2, 0.3, 9.0, -1.0, 0.0])
    expected = [
        0.5 + 1.5 * math.tanh(0.7),
        math.atan2(3.0, -4.0),
        0.5 + math.log1p(math.exp(0.2)),
        -0.3 - math.log1p(math.exp(0.3)),
        9.0,
        -math.pi / 2,
    ]
    np.testing.assert_allclose(layer(x), expected, atol=1e-14)


def test_the_gradient_is_smooth_and_finite(every_limit, rng):
    layer = JointLimits(every_limit, dtype="float64")
    check_gradient(layer, rng.normal(size=8), atol=1e-8)
    zero = ops.zeros((1, 8), "float64")  # sine and cosine both zero: no angle
    assert np.isfinite(array(gradient_of(layer)(zero))).all()


def test_a_nan_stays_a_nan_in_its_row(panda):
    x = np.zeros((2, 7), "float32")
    x[0, 2] = np.nan
    q = array(JointLimits(panda)(x))
    assert np.isnan(q[0, 2])
    assert np.isfinite(q[1]).all()


def test_a_robot_without_joints_needs_no_numbers():
    robot = fkarm.robots.planar([1.0]).with_fixed_joints({"joint_1": 0.0})
    assert JointLimits(robot)(np.zeros((3, 0))).shape == (3, 0)


def test_bad_input_is_refused(every_limit):
    with pytest.raises(TypeError, match="robot must be a fkarm"):
        JointLimits([(-1, 1)])
    with pytest.raises(ValueError, match=r"\(\.\.\., 8\).*two for a joint that turns without"):
        JointLimits(every_limit)(np.zeros((2, 6)))
    with pytest.raises(ValueError, match="input_size"):
        JointLimits(every_limit)(keras.Input((6,)))
