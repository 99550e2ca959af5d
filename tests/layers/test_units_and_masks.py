"""Units and masks go from layer to layer."""

import keras
import numpy as np
import pytest
from autodiff import array
from oracles import pose, rot

import fkarm
from fkarm import Joint
from fkarm.layers import ForwardKinematics, IKRefinement, InverseKinematics, JointLimits

ARM = fkarm.robots.planar([1.0, 0.5])
MIXED = fkarm.Robot.from_joints(
    [
        Joint("turn", lower=-1.0, upper=2.0),
        Joint("rail", "prismatic", lower=-0.5, upper=0.25),
        Joint("endless", "continuous"),
        Joint("sheet", "planar"),
        Joint("ball", "spherical"),
    ]
)
# What one rad or one m is in degrees or millimetres; quaternions have no unit.
FACTORS = np.array([180 / np.pi, 1e3, 180 / np.pi, 1e3, 1e3, 180 / np.pi, 1, 1, 1, 1])
IN_DEG_AND_MM = {"angle_unit": "deg", "length_unit": "mm"}


@pytest.mark.parametrize(("dtype", "rtol"), [("float32", 1e-6), ("float64", 1e-14)])
def test_joint_limits_give_degrees_and_millimetres(dtype, rtol, rng):
    si, layer = JointLimits(MIXED, dtype=dtype), JointLimits(MIXED, **IN_DEG_AND_MM, dtype=dtype)
    x = rng.normal(size=(5, layer.input_size)).astype(dtype)
    np.testing.assert_allclose(array(layer(x)), FACTORS * array(si(x)), rtol=rtol)
    ends = array(layer(np.full((1, layer.input_size), 1e3, dtype)))[0]
    np.testing.assert_allclose(ends[:2], [np.degrees(2.0), 250.0], rtol=1e-6)
    assert ends[0] <= np.degrees(2.0)
    assert layer.get_config()["angle_unit"] == "deg"


def test_both_layers_in_the_same_units_are_both_in_si():
    x = np.array([[0.3, -0.2]], "float32")
    found = ForwardKinematics(ARM, **IN_DEG_AND_MM)(JointLimits(ARM, **IN_DEG_AND_MM)(x))
    expected = array(ForwardKinematics(ARM)(JointLimits(ARM)(x)))
    expected[..., :3, 3] *= 1e3
    np.testing.assert_allclose(array(found), expected, rtol=1e-5, atol=1e-3)


def test_another_unit_behind_joint_limits_is_refused():
    x, message = np.zeros((1, 2), "float32"), "must be in deg, as angle_unit says.*numbers in rad"
    with pytest.raises(ValueError, match=message):
        ForwardKinematics(ARM, angle_unit="deg")(JointLimits(ARM)(x))
    inputs = keras.Input((2,))
    q = JointLimits(ARM)(inputs)
    model = keras.Model(inputs, keras.layers.Dropout(0.1)(q))
    reach = keras.Sequential([model, ForwardKinematics(ARM, angle_unit="deg")])
    with pytest.raises(ValueError, match=message):
        reach.predict(x, verbose=0)
    rail = fkarm.Robot.from_joints([Joint("rail", "prismatic")])
    with pytest.raises(ValueError, match="must be in m, as length_unit says.*numbers in mm"):
        ForwardKinematics(rail)(JointLimits(rail, length_unit="mm")(x[:, :1]))
    # An arm without lengths in q has none to be wrong.
    ForwardKinematics(ARM, length_unit="mm")(JointLimits(ARM)(x))


def test_inverse_kinematics_takes_and_gives_si():
    x, target = np.zeros((1, 2), "float32"), np.eye(4, dtype="float32")[None]
    refine, task = IKRefinement(ARM, task=("x", "y")), ("x", "y")
    with pytest.raises(ValueError, match="must be in rad.*numbers in deg"):
        refine((JointLimits(ARM, angle_unit="deg")(x), target))
    in_mm = ForwardKinematics(ARM, length_unit="mm")(x)
    for layer, inputs in (
        (refine, (x, in_mm)),
        (InverseKinematics(ARM, starts=1, steps=1, task=task), in_mm),
    ):
        with pytest.raises(ValueError, match="must be in m, .*numbers in mm"):
            layer(inputs)
    with pytest.raises(ValueError, match="must be in deg.*numbers in rad"):
        ForwardKinematics(ARM, angle_unit="deg")(refine((x, target)))


@pytest.mark.parametrize("layer", [JointLimits, ForwardKinematics])
def test_unknown_units_are_refused(layer):
    with pytest.raises(ValueError, match="angle_unit must be one of"):
        layer(ARM, angle_unit="turns")
    with pytest.raises(ValueError, match="length_unit must be one of"):
        layer(ARM, length_unit="cm")


PADDING = -9.0
LIVE = [[True, False, True], [True, True, False]]


def padded(shape, live):
    """Zeros, with padding where a row does not count, and their mask."""
    x = np.zeros((2, 3, *shape), "float32")
    x[~np.array(live)] = PADDING
    return keras.layers.Masking(PADDING)(x)


def live_rows(layer, inputs):
    """Which rows count behind a layer, as Keras' own loss has it."""
    q = layer(inputs)
    far = keras.ops.full(q.shape, 1e6)
    return array(keras.losses.MeanAbsoluteError(reduction="none")(far, q)) > 0


def test_refinement_keeps_the_masks_of_both_inputs():
    layer = IKRefinement(ARM, steps=1, task=("x", "y"))
    q, target = np.zeros((2, 3, 2), "float32"), np.zeros((2, 3, 4, 4), "float32")
    of_q, of_target = padded((2,), LIVE), padded((4, 4), [[True, True, False], [True] * 3])
    np.testing.assert_array_equal(live_rows(layer, (of_q, target)), LIVE)
    np.testing.assert_array_equal(live_rows(layer, (q, of_target)), [[1, 1, 0], [1, 1, 1]])
    np.testing.assert_array_equal(live_rows(layer, (of_q, of_target)), [[1, 0, 0], [1, 1, 0]])
    assert live_rows(layer, (q, target)).all()


def test_the_solver_keeps_the_mask_of_padded_targets():
    layer = InverseKinematics(ARM, starts=1, steps=1, task=("x", "y"))
    np.testing.assert_array_equal(live_rows(layer, padded((4, 4), LIVE)), LIVE)


def test_a_mask_reaches_the_loss_behind_refinement():
    """Padding at the end of targets, none in the guess: the issue of a model that tracks poses."""
    guess, target = keras.Input((3, 2)), keras.Input((3, 4, 4))
    q = IKRefinement(ARM, steps=1, task=("x", "y"))((guess, keras.layers.Masking(PADDING)(target)))
    model = keras.Model((guess, target), ForwardKinematics(ARM)(q))
    model.compile("sgd", fkarm.losses.PoseLoss(), metrics=[fkarm.metrics.OrientationError()])
    x = np.full((1, 3, 2), 0.3, "float32")
    poses = np.full((1, 3, 4, 4), PADDING, "float32")
    poses[0, 0] = array(ForwardKinematics(ARM)(x[0, 0]))  # where it is: no step
    y = np.tile(pose(rot((0, 0, 1), 0.5)), (1, 3, 1, 1)).astype("float32")
    y[0, 1:] = pose(rot((0, 0, 1), 2.5))
    found = model.evaluate((x, poses), y, verbose=0, return_dict=True)
    np.testing.assert_allclose(found["orientation_error_deg"], np.degrees(0.1), rtol=1e-3)
