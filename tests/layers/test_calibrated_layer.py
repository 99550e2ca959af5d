"""CalibratedForwardKinematics: the same robot as `calibrate` has, learnt by gradients."""

import keras
import numpy as np
import pytest
from autodiff import array, gradient_of, tensor
from calibration.cases import errors_of, poses_by_pinocchio, small_arm

import fkarm
from fkarm import calibration
from fkarm.layers import CalibratedForwardKinematics, CorrectionBounds, CorrectionPrior

ARM = small_arm()
Q = fkarm.sample_configurations(ARM, 20, seed=1)
ALL = {"origins": True, "offsets": True, "gains": True, "harmonics": True, "base": True}


def layer_with(parameters, values, **options):
    layer = CalibratedForwardKinematics(ARM, parameters=parameters, dtype="float64", **options)
    layer.build((None, ARM.dof))
    scales = [entry.scale for entry in parameters.entries]
    layer.corrections.assign(values * scales)
    return layer


def test_poses_are_those_of_pinocchio_and_of_the_robot_it_becomes():
    parameters = calibration.parameters(ARM, **ALL, tool=True, senses={"lift": -1})
    values = errors_of(parameters, mm=20.0, deg=10.0)
    layer = layer_with(parameters, values)
    expected = poses_by_pinocchio(ARM, parameters, values, Q)
    np.testing.assert_allclose(array(layer(Q)), expected, atol=1e-12)
    robot = layer.to_robot()
    again = fkarm.forward_kinematics(robot, layer.configuration(Q))
    np.testing.assert_allclose(again, expected, atol=1e-12)
    with pytest.raises(fkarm.RobotError, match="gains or harmonics"):
        layer.to_urdf()
    with pytest.raises(ValueError, match=r"shape \(\.\.\., 4\)"):
        layer.configuration(Q[:, :3])


def test_a_layer_that_was_never_called_is_the_nominal_robot():
    layer = CalibratedForwardKinematics(ARM)
    assert set(layer.corrections_by_name().values()) == {0.0}
    assert CalibratedForwardKinematics(ARM).to_robot() == ARM


def test_a_table_has_four_weights_per_joint():
    rows = np.array([(0.1, 0.3, 0.2, 0.1), (0.3, -1.2, 0.1, 0.4), (0.05, 1.5, 0.0, 0.2)] * 2)
    robot = fkarm.Robot.from_dh(rows)
    parameters = calibration.parameters(robot, dh="standard")
    layer = CalibratedForwardKinematics(robot, parameters=parameters, dtype="float64")
    layer.build((None, 6))
    assert layer.corrections.shape == (24,)
    changes = np.random.default_rng(0).normal(size=rows.shape) * [1.0, 0.5, 1.0, 0.5]  # mm, deg
    layer.corrections.assign(changes.ravel())
    units = np.array([1e-3, np.pi / 180, 1e-3, np.pi / 180])
    other = fkarm.Robot.from_dh(rows + changes * units)
    q = np.random.default_rng(1).normal(size=(4, 6))
    np.testing.assert_allclose(array(layer(q)), fkarm.forward_kinematics(other, q), atol=1e-13)
    urdf = fkarm.Robot.from_urdf(layer.to_urdf())
    np.testing.assert_allclose(
        fkarm.forward_kinematics(urdf, q, "flange"), array(layer(q)), atol=1e-12
    )


def test_gradients_are_those_of_differences():
    parameters = calibration.parameters(ARM, **ALL, tool=True)
    layer = layer_with(parameters, errors_of(parameters, mm=20.0, deg=10.0))
    weights = np.random.default_rng(0).normal(size=(len(Q), 4, 4))
    start = array(layer.corrections.value)

    def loss(x):
        return keras.ops.sum(layer.stateless_call([x], [], tensor(Q))[0] * tensor(weights))

    slope = array(gradient_of(loss)(tensor(start)))
    for k in range(len(start)):
        step = np.zeros(len(start))
        step[k] = 1e-4
        ends = [float(array(loss(tensor(start + sign * step)))) for sign in (1, -1)]
        numeric = (ends[0] - ends[1]) / 2e-4
        assert slope[k] == pytest.approx(numeric, rel=1e-5, abs=1e-6), parameters.names[k]


def test_what_calibrate_finds_is_the_least_loss_of_the_layer():
    parameters = calibration.parameters(ARM, offsets=["turn", "lift"], point=True)
    p = poses_by_pinocchio(ARM, parameters, errors_of(parameters), Q)[:, :3, 3]
    p = p + 1e-3 * np.random.default_rng(0).normal(size=p.shape)
    measured = calibration.Position("p", Q, p, sigma=1e-6)  # so small that priors pull nothing
    fit = fkarm.calibrate(ARM, [measured], parameters=parameters)
    values = np.array([fit.parameters[name] for name in parameters.names])
    layer = layer_with(parameters, values, output="position")

    def loss(x):
        predicted = layer.stateless_call([x], [], tensor(Q))[0]
        return keras.ops.mean(keras.ops.square(1e3 * (predicted - tensor(p))))

    at = tensor(array(layer.corrections.value))
    np.testing.assert_allclose(array(gradient_of(loss)(at)), 0.0, atol=1e-6)
    assert 0.1 < float(array(loss(at))) < 2.0  # mm^2


def test_bounds_and_priors_are_in_millimetres_and_degrees():
    parameters = calibration.parameters(ARM, origins=["lift"], gains=["lift"])
    bounds = CorrectionBounds.of(parameters, mm=2.0, deg=0.5)
    x = keras.ops.convert_to_tensor([3.0, -3.0, 1.0, 1.0, -1.0, 0.1, 1.0])
    expected = [2.0, -2.0, 1.0, 0.5, -0.5, 0.1, 0.01]
    np.testing.assert_allclose(bounds(x), expected, rtol=1e-6)
    own = CorrectionBounds.of(parameters.within("lift x", mm=2.0).within("lift gain", ratio=0.02))
    expected = [2.0, -3.0, 1.0, 1.0, -1.0, 0.1, 0.02]
    np.testing.assert_allclose(own(x), expected, rtol=1e-6)
    lengths = CorrectionBounds.of(parameters.within("lift rx", deg=0.2), mm=2.0)
    expected = [2.0, -2.0, 1.0, 0.2, -1.0, 0.1, 0.01]
    np.testing.assert_allclose(lengths(x), expected, rtol=1e-6)
    prior = CorrectionPrior.of(parameters, weight=2.0)  # 2 mm, 1 degree, 1 %
    deviations = np.array([2.0, 2.0, 2.0, 1.0, 1.0, 1.0, 0.01])
    expected = 2.0 * np.sum((np.asarray(x) / deviations) ** 2)
    assert float(prior(x)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("kind", [CorrectionBounds, CorrectionPrior])
def test_numbers_that_are_neither_one_nor_one_per_correction_are_refused(kind):
    with pytest.raises(ValueError, match=r"one per correction, shape \(3,\). Received: shape \(2"):
        kind([1.0, 2.0])(keras.ops.ones(3))


def test_wrong_parameters_are_refused():
    other = calibration.parameters(fkarm.robots.ur5e(), offsets=True)
    with pytest.raises(ValueError, match="of the layer's robot"):
        CalibratedForwardKinematics(ARM, parameters=other)
    with pytest.raises(TypeError, match=r"fkarm\.calibration\.parameters"):
        CalibratedForwardKinematics(ARM, parameters=["x"])
    tool = calibration.parameters(ARM, tool=True)
    with pytest.raises(ValueError, match="one link where a tool is trained"):
        CalibratedForwardKinematics(ARM, ["turn_link", "roll_link"], parameters=tool)
