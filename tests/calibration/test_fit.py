"""Fits of robots with known errors, and of what real robots measured."""

from pathlib import Path

import numpy as np
import pytest
from autodiff import array
from calibration.cases import (
    SENSOR,
    TOOL,
    at_points,
    errors_of,
    poses_by_pinocchio,
    positions,
    small_arm,
)
from scipy.optimize import brentq, least_squares

import fkarm
from fkarm import calibration

ARM = small_arm()
HELD_OUT = fkarm.sample_configurations(ARM, 30, seed=9)
PANDA = Path(__file__).parents[3] / "shared" / "data" / "mukca" / "panda_2"


def predicted(fit, q=HELD_OUT):
    return array(fkarm.forward_kinematics(fit.robot, fit.configuration(q), fit.point_link))


def test_exact_positions_give_the_robot_back():
    parameters = calibration.parameters(ARM, origins=True, point=True)
    values = errors_of(parameters)
    fit = fkarm.calibrate(ARM, [positions(ARM, parameters, values)], parameters=parameters)
    expected = poses_by_pinocchio(ARM, parameters, values, HELD_OUT)
    np.testing.assert_allclose(predicted(fit)[:, :3, 3], expected[:, :3, 3], atol=1e-8)
    np.testing.assert_allclose(fit.residuals["points"], 0.0, atol=1e-9)
    assert fit.residuals_before["points"].mean() > 1e-3
    assert fit.configuration(HELD_OUT) is not None
    np.testing.assert_array_equal(fit.configuration(HELD_OUT), HELD_OUT)


def test_gains_harmonics_senses_and_large_offsets_are_found():
    options = {"gains": True, "harmonics": ["turn"], "offsets": True, "tool": True}
    senses = {"lift": -1}
    parameters = calibration.parameters(ARM, **options, senses=senses, prior_deg=5.0)
    values = errors_of(parameters, deg=2.0)
    values[parameters.names.index("lift offset")] = 1.2
    q = fkarm.sample_configurations(ARM, 40, seed=1)
    pose = calibration.Pose("poses", q, poses_by_pinocchio(ARM, parameters, values, q))
    fit = fkarm.calibrate(ARM, [pose], parameters=parameters)
    np.testing.assert_allclose(
        predicted(fit), poses_by_pinocchio(ARM, parameters, values, HELD_OUT), atol=1e-8
    )
    lift = next(joint for joint in fit.robot.joints if joint.name == "lift")
    assert lift.axis == (0.0, -1.0, 0.0)
    # The joint's limits bound its value: sense * q + offset is within -2 and 2.
    assert (-lift.upper + fit.parameters["lift offset"]) == pytest.approx(-2.0)
    with pytest.raises(fkarm.RobotError, match="gains or harmonics"):
        fit.to_urdf()


@pytest.mark.parametrize("kind", ["points", "poses", "orientations"])
def test_a_sensor_and_a_tool_are_fitted_along(kind):
    tool = {"point": True} if kind == "points" else {"tool": True}
    parameters = calibration.parameters(ARM, origins=True, **tool)
    values = errors_of(parameters)
    values[-3 if kind == "points" else -6 :] = 0.0  # the tool is `TOOL`
    q = fkarm.sample_configurations(ARM, 40, seed=1)
    seen = np.linalg.inv(SENSOR) @ poses_by_pinocchio(ARM, parameters, values, q) @ TOOL
    measurement = {
        "points": lambda: calibration.SensorPoints("s", q, seen[:, :3, 3], sensor="tracker"),
        "poses": lambda: calibration.Pose("s", q, seen, sensor="tracker"),
        "orientations": lambda: calibration.Orientation("s", q, seen[:, :3, :3], sensor="tracker"),
    }[kind]()
    fit = fkarm.calibrate(ARM, [measurement], parameters=parameters)
    assert max(values.max() for values in fit.residuals.values()) < 1e-8
    assert fit.residuals["s"].shape == ((40, 2) if kind == "poses" else (40,))
    seen = np.linalg.inv(SENSOR) @ poses_by_pinocchio(ARM, parameters, values, HELD_OUT) @ TOOL
    again = np.linalg.inv(fit.sensors["tracker"]) @ predicted(fit)
    if kind != "orientations":
        np.testing.assert_allclose(again[:, :3, 3], seen[:, :3, 3], atol=1e-7)
    if kind != "points":
        np.testing.assert_allclose(again[:, :3, :3], seen[:, :3, :3], atol=1e-7)


def test_points_that_stay_and_distances_give_lengths_and_offsets_back():
    arm = fkarm.robots.planar([0.40, 0.30, 0.20])
    groups = at_points((0.403, 0.298, 0.2), [(0.5, 0.1), (0.55, 0.1), (0.3, -0.4)])
    for group in groups:
        group[:, 1] -= 0.01  # what the motor of the elbow shows
    measurements = [calibration.SamePoint(f"p{k}", q) for k, q in enumerate(groups)]
    measurements.append(calibration.Distance("p0", "p1", 0.05))
    wanted = ("joint_2 x", "joint_3 x", "joint_2 offset")
    parameters = calibration.parameters(arm, origins=True, offsets=True, prior_mm=100.0)
    fit = fkarm.calibrate(arm, measurements, parameters=parameters.only(*wanted))
    expected = {"joint_2 x": 0.003, "joint_3 x": -0.002, "joint_2 offset": 0.01}
    assert fit.parameters == pytest.approx(expected, abs=1e-6)
    assert fit.residuals["p0 to p1"].shape == (1,)


def test_a_touched_plane_tells_offsets():
    parameters = calibration.parameters(ARM, offsets=["lift"])
    values = errors_of(parameters, deg=1.0)
    rng, rows = np.random.default_rng(0), []
    while len(rows) < 15:
        q = fkarm.sample_configurations(ARM, 1, seed=rng)[0]

        def height(lift, q=q):
            q = np.array([q[0], lift, *q[2:]])
            return poses_by_pinocchio(ARM, parameters, values, q[None])[0, 2, 3] - 0.4

        if height(-1.0) * height(1.0) < 0:
            rows.append([q[0], brentq(height, -1.0, 1.0, xtol=1e-13), *q[2:]])
    fit = fkarm.calibrate(ARM, [calibration.Plane("table", rows)], parameters=parameters)
    expected = dict(zip(parameters.names, values, strict=True))
    assert fit.parameters == pytest.approx(expected, abs=1e-6)


def test_the_fit_is_that_of_scipy_and_so_is_its_covariance():
    parameters = calibration.parameters(ARM, offsets=["turn", "lift", "slide"])
    values = errors_of(parameters)
    measured = positions(ARM, parameters, values, noise=1e-3, sigma=1e-3)

    def off(x):
        p = poses_by_pinocchio(ARM, parameters, x, measured.q)[:, :3, 3]
        pull = x / parameters.priors
        return np.append((p - measured.p).ravel() / 1e-3, pull)

    found = least_squares(off, np.zeros(len(values)), xtol=1e-15, ftol=1e-15, gtol=1e-15)
    fit = fkarm.calibrate(ARM, [measured], parameters=parameters)
    np.testing.assert_allclose(list(fit.parameters.values()), found.x, atol=1e-7)
    np.testing.assert_allclose(fit.covariance, np.linalg.inv(found.jac.T @ found.jac), rtol=1e-3)


def test_bounds_hold_and_the_others_are_fitted_as_scipy_fits_them():
    parameters = calibration.parameters(ARM, offsets=["turn", "lift", "slide"], origins=["roll"])
    parameters = parameters.only(*parameters.names[-3:], "roll y", "roll z")
    values = errors_of(parameters, mm=3.0, deg=2.0)
    # "lift offset" ends at its bound for certain, and what is alike may follow.
    parameters = parameters.within("lift offset", deg=0.2 * np.degrees(abs(values[-2])))
    parameters = parameters.within("roll y", "roll z", mm=2.0)
    measured = positions(ARM, parameters, values, noise=1e-4, sigma=1e-3)

    def off(x):
        p = poses_by_pinocchio(ARM, parameters, x, measured.q)[:, :3, 3]
        return np.append((p - measured.p).ravel() / 1e-3, x / parameters.priors)

    bounds = parameters.bounds
    found = least_squares(off, np.zeros(len(values)), bounds=(-bounds, bounds), xtol=1e-15,
                          ftol=1e-15, gtol=1e-14)  # fmt: skip
    fit = fkarm.calibrate(ARM, [measured], parameters=parameters)
    np.testing.assert_allclose(list(fit.parameters.values()), found.x, atol=1e-6)
    is_held = np.abs(found.x) > bounds - 1e-7
    assert fit.at_bounds == tuple(np.array(parameters.names)[is_held])
    assert "lift offset" in fit.at_bounds
    jac = found.jac[:, ~is_held]
    expected = np.zeros((len(values), len(values)))
    expected[np.ix_(~is_held, ~is_held)] = np.linalg.inv(jac.T @ jac)
    np.testing.assert_allclose(fit.covariance, expected, rtol=1e-2, atol=1e-12)
    assert "at a bound" in str(fit)
    assert np.allclose(np.diag(fit.correlations), 1.0)


@pytest.mark.parametrize("loss", ["huber", "cauchy"])
def test_outliers_are_named_and_move_little(loss):
    parameters = calibration.parameters(ARM, offsets=["turn", "lift", "slide"])
    values = errors_of(parameters)
    measured = positions(ARM, parameters, values, noise=1e-4)
    bad = np.array(measured.p)
    bad[[3, 17]] += 0.02
    measurements = [calibration.Position("points", measured.q, bad)]
    fit = fkarm.calibrate(ARM, measurements, parameters=parameters, loss=loss)
    assert {3, 17} == set(fit.outliers["points"])
    assert fit.noise["position"] == pytest.approx(1e-4, rel=0.3)
    plain = fkarm.calibrate(ARM, measurements, parameters=parameters)
    errors = [
        np.abs(np.array(list(each.parameters.values())) - values).max() for each in (fit, plain)
    ]
    assert errors[0] < 0.1 * errors[1]


@pytest.mark.in_test_all("every case")
def test_stated_deviations_are_those_of_many_simulations():
    parameters = calibration.parameters(ARM, offsets=["turn", "lift", "slide"], gains=["turn"])
    values = errors_of(parameters)
    clean = positions(ARM, parameters, values, count=20)
    rng, found = np.random.default_rng(0), []
    for _ in range(200):
        p = clean.p + 1e-4 * rng.normal(size=clean.p.shape)
        fit = fkarm.calibrate(ARM, [calibration.Position("p", clean.q, p)], parameters=parameters)
        found.append(list(fit.parameters.values()))
    ratio = np.array(list(fit.standard_deviations.values())) / np.std(found, axis=0)
    assert np.all((ratio > 0.8) & (ratio < 1.25)), ratio


def test_the_report_lists_residuals_parameters_and_what_cannot_be_told():
    parameters = calibration.parameters(ARM, origins=True, point=True)
    measured = positions(ARM, parameters, errors_of(parameters), noise=1e-4)
    fit = fkarm.calibrate(ARM, [measured], parameters=parameters)
    text = str(fit)
    for word in ("points", "before", "left out", "lift x", "act alike", " mm", " deg"):
        assert word in text
    assert fit.validation["points"].shape == (40,)
    assert 1e-4 < fit.validation["points"].mean() < 1e-3
    assert np.allclose(np.diag(fit.correlations), 1.0)
    assert set(fit.standard_deviations) == set(fit.parameters)
    again = fkarm.Robot.from_urdf(fit.to_urdf())
    np.testing.assert_allclose(
        fkarm.forward_kinematics(again, HELD_OUT, fit.point_link), predicted(fit), atol=1e-12
    )


@pytest.mark.skipif(not PANDA.exists(), reason="the measurements of MUKCa are not at hand")
def test_a_panda_that_was_measured_at_one_place_is_right_at_another():
    def groups(place):
        return [np.loadtxt(PANDA / place / f"hole_{k}.csv", delimiter=",") for k in (0, 1)]

    robot = fkarm.robots.panda()
    measurements = [
        calibration.SamePoint(f"front {k}", q) for k, q in enumerate(groups("front_center"))
    ]
    measurements.append(calibration.Distance("front 0", "front 1", 0.05))
    fit = fkarm.calibrate(
        robot,
        measurements,
        link="panda_hand",
        parameters=calibration.parameters(robot, origins=True, point=True),
    )
    points = [predicted(fit, q)[:, :3, 3] for q in groups("mid_right")]
    errors = [np.linalg.norm(p - p.mean(axis=0), axis=1) for p in points]
    assert np.mean(np.concatenate(errors)) < 0.5e-3
    assert np.linalg.norm(points[0].mean(0) - points[1].mean(0)) == pytest.approx(0.05, abs=5e-4)
