"""Joints that count the other way are named, and a fit with the named senses is right."""

import ast
import re

import numpy as np
import pytest
from calibration.cases import SENSOR, TOOL, errors_of, poses_by_pinocchio, positions, small_arm

import fkarm
from fkarm import calibration
from fkarm.calibration.report import to_dict

ARM = small_arm()


def measured(robot, senses, kind, offset_deg=15.0):
    """What a robot with errors shows whose motors count by other senses; and the parameters."""
    options = {"origins": True, "offsets": True, "senses": senses}
    parameters = calibration.parameters(robot, **options, tool=kind != "position")
    values = errors_of(parameters)
    is_offset = np.array([entry.entry == "offset" for entry in parameters.entries])
    turns = np.random.default_rng(1).normal(0, np.radians(offset_deg), len(values))
    values = np.where(is_offset, turns, values)
    is_offset &= [not entry.is_angle for entry in parameters.entries]
    values = np.where(is_offset, 0.01, values)
    if kind != "position":
        values[-6:] = 0.0  # the tool is `TOOL`
    q = fkarm.sample_configurations(robot, 30, seed=2)
    T = poses_by_pinocchio(robot, parameters, values, q)
    if kind == "position":
        return calibration.Position("p", q, T[:, :3, 3] + 1e-4), options
    T = np.linalg.inv(SENSOR) @ T @ TOOL
    if kind == "pose":
        return calibration.Pose("p", q, T, sensor="camera"), {**options, "tool": True}
    seen = calibration.Orientation("p", q, T[:, :3, :3], sensor="camera")
    return seen, {**options, "tool": True}


def named(robot, data):
    """The senses in the message of a fit of offsets with the wrong ones."""
    wanted = calibration.parameters(
        robot, offsets=True, tool=not isinstance(data, calibration.Position)
    )
    with pytest.raises(fkarm.CalibrationError, match="count the other way") as caught:
        fkarm.calibrate(robot, [data], parameters=wanted)
    return ast.literal_eval(re.search(r"senses=(\{.*?\})", str(caught.value)).group(1))


@pytest.mark.parametrize(
    ("kind", "senses"),
    [
        ("position", {"lift": -1, "slide": -1}),
        pytest.param("pose", {"turn": -1, "roll": -1}, marks=pytest.mark.in_test_all("every case")),
        ("orientation", {"lift": -1}),
    ],
)
def test_joints_that_count_the_other_way_are_named(kind, senses):
    data, options = measured(ARM, senses, kind)
    found = named(ARM, data)
    assert found == senses
    fit = fkarm.calibrate(
        ARM, [data], parameters=calibration.parameters(ARM, **{**options, "senses": found})
    )
    assert fit.residuals["p"].max() < 1e-3


def test_a_fit_that_tells_nothing_names_the_joint_too():
    robot = fkarm.robots.ur5e()
    turned = calibration.parameters(robot, origins=True, senses={"elbow_joint": -1})
    q = np.clip(fkarm.sample_configurations(robot, 30, seed=6), -3.1, 3.1)
    p = poses_by_pinocchio(robot, turned, errors_of(turned, seed=6), q)[:, :3, 3]
    wanted = calibration.parameters(robot, origins=True)
    with pytest.raises(fkarm.CalibrationError, match="tell at least one.*'elbow_joint': -1"):
        fkarm.calibrate(robot, [calibration.Position("p", q, p)], parameters=wanted)


@pytest.mark.in_test_all("every case")
def test_a_fit_that_only_held_parameters_explained_is_refused():
    robot, rng = fkarm.robots.panda(), np.random.default_rng(4)
    flips = rng.choice(6, 2, replace=False)
    senses = {robot.joint_names[k]: -1 for k in sorted(flips)}
    real = calibration.parameters(robot, origins=True, offsets=True, senses=senses)
    values = errors_of(real, seed=4)
    values[-7:] = np.radians(10.0) * rng.normal(size=7)
    q = fkarm.sample_configurations(robot, 30, seed=4)
    p = poses_by_pinocchio(robot, real, values, q)[:, :3, 3]
    wanted = calibration.parameters(robot, origins=True)
    with pytest.raises(fkarm.CalibrationError, match="count the other way"):
        fkarm.calibrate(robot, [calibration.Position("p", q, p)], parameters=wanted)


@pytest.mark.in_test_all("every case")
@pytest.mark.parametrize("kind", ["position", "pose"])
@pytest.mark.parametrize("robot", [fkarm.robots.ur5e(), fkarm.robots.panda()], ids=lambda r: r.name)
def test_joints_of_arms_that_count_the_other_way_are_named(robot, kind):
    senses = dict.fromkeys(robot.joint_names[1:4:2], -1)
    assert named(robot, measured(robot, senses, kind)[0]) == senses


def test_measurements_without_sense_and_arms_of_many_joints_get_no_names():
    data, _ = measured(ARM, {}, "position")
    shuffled = calibration.Position("p", data.q, data.p[::-1])
    chain = fkarm.robots.planar([0.1] * 9)
    q = fkarm.sample_configurations(chain, 30, seed=0) / 2
    p = np.asarray(fkarm.forward_kinematics(chain, -q))[:, :3, 3]
    p = p + np.array([0.3, 0.0, 0.0])
    for robot, point in ((ARM, shuffled), (chain, calibration.Position("p", q, p))):
        wanted = calibration.parameters(robot, offsets=robot.joint_names[:2])
        with pytest.raises(fkarm.CalibrationError, match="stay more than") as caught:
            fkarm.calibrate(robot, [point], parameters=wanted)
        assert "count the other way" not in str(caught.value)


def test_origins_that_turn_about_to_make_up_for_a_sense_are_named():
    robot = fkarm.robots.ur5e()
    q = fkarm.sample_configurations(robot, 40, seed=2)
    real = calibration.parameters(robot, offsets=True, senses={"elbow_joint": -1})
    p = poses_by_pinocchio(robot, real, errors_of(real), q)[:, :3, 3]
    p = p + np.random.default_rng(0).normal(0.0, 1e-4, p.shape)
    wanted = calibration.parameters(robot, origins=True)
    fit = fkarm.calibrate(robot, [calibration.Position("p", q, p)], parameters=wanted)
    assert fit.residuals["p"].mean() < 1e-3  # nothing else shows the wrong sense
    (words,) = fit.turned
    assert "'elbow_joint' seems to count the other way" in words
    assert words in str(fit)
    assert to_dict(fit)["turned"] == [words]
    right = calibration.parameters(robot, origins=True, senses={"elbow_joint": -1})
    fit = fkarm.calibrate(robot, [calibration.Position("p", q, p)], parameters=right)
    assert fit.turned == ()
    assert "turned" not in str(fit)


def test_a_turn_that_no_sense_explains_is_named_without_joints():
    rolled = calibration.parameters(ARM, origins=["roll"], point=True, prior_deg=90.0)
    values = np.zeros(len(rolled.entries))
    values[rolled.names.index("roll rz")] = 2.5
    values[-3:] = (0.05, 0.1, 0.2)
    data = positions(ARM, rolled, values)
    wanted = rolled.only("roll rz", "point x", "point y", "point z")
    fit = fkarm.calibrate(ARM, [data], parameters=wanted)
    assert fit.parameters["roll rz"] == pytest.approx(2.5, abs=1e-6)
    (words,) = fit.turned
    assert words.startswith("origins of 'roll'. Check senses")
