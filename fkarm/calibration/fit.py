"""`calibrate` and `identifiability`: measurements in, a fitted robot and a report out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from fkarm._checks import check_choice
from fkarm.calibration.identify import Identifiability, active_of, analyse
from fkarm.calibration.measurements import (
    AnyMeasurement,
    Measurement,
    Orientation,
    Pose,
    check_measurements,
)
from fkarm.calibration.parameters import Parameters, parameters
from fkarm.calibration.problem import Block, Problem, State
from fkarm.calibration.result import Calibration
from fkarm.calibration.rigid import Array
from fkarm.calibration.senses import backwards_in_words, block_medians
from fkarm.calibration.solve import FIRST, LOSSES, Fitted, fit
from fkarm.calibration.start import start
from fkarm.errors import CalibrationError
from fkarm.model import Robot
from fkarm.model.argument import check_robot

_USUAL = 0.05  # m: what no robot with a right description is off by
_USUAL_ANGLE = np.radians(10.0)
_MILLIMETRES = 50.0  # times the arm's size


def calibrate(
    robot: Robot,
    measurements: Sequence[AnyMeasurement],
    *,
    link: str | None = None,
    parameters: Parameters | None = None,
    loss: str = "l2",
    limits: bool = True,
) -> Calibration:
    """Fit a robot's geometry to measurements, and say what they can tell.

    Levenberg-Marquardt with exact derivatives, in float64. The robot's parameters, the frames of
    sensors, the points of `SamePoint` and the planes of `Plane` are fitted together. Parameters
    that the data cannot tell, or tell less than their priors do, keep the nominal value.

    Args:
        robot: The nominal robot.
        measurements: `fkarm.calibration.Pose`, `Position`, `Orientation`, `SensorPoints`,
            `SamePoint`, `Distance` and `Plane`, in any mixture.
        link: Link that carries the tool; None: `robot.end_effector`.
        parameters: What may be fitted, as from `fkarm.calibration.parameters`; None: the origins of
            all joints that move the link and, where it is unknown, the tool's point or frame.
        loss: `"l2"`, or `"huber"` or `"cauchy"`, which outliers move little or hardly at all.
        limits: Whether to refuse configurations outside the robot's limits.
    Returns:
        The fitted robot, residuals, standard deviations and a report, see
        `fkarm.calibration.Calibration`.
    Raises:
        CalibrationError: If there are not more numbers than parameters, or no parameter can be
            told, or what is left after the fit looks like a wrong unit.
        TypeError: If an argument has the wrong type.
        UnknownLinkError: If the link does not exist.
        ValueError: If measurements do not fit the robot or each other, see `measurements`.
    Reference:
        [Nielsen1999] the damping; [Hollerbach2016] the models and their redundancies.
    """
    check_choice("loss", loss, LOSSES)
    problem = make_problem(robot, measurements, link, parameters, limits)
    count = len(problem.parameters.entries)
    tool = np.zeros(count, bool)
    tool[[column for column, _ in problem.of_tool]] = True
    before = fit(problem, start(problem), tool, "l2")
    _check_units(problem, before)
    found = fit(problem, before.state, np.ones(count, bool), "l2")
    found = fit(problem, found.state, np.ones(count, bool), loss, found.sigmas)
    _check_residuals(problem, found)
    known = analyse(problem, before.state, found.sigmas)
    active = active_of(problem.parameters, known.identified)
    _check_count(problem, int(active.sum()), found)
    begin = State(np.where(active | tool, found.state.x, 0.0), *_unknowns(found.state))
    final = fit(problem, begin, active, loss, found.sigmas)
    _check_residuals(problem, final)  # what is held may have been what explained them
    return Calibration(problem, before, final, active, known, loss)


def identifiability(
    robot: Robot,
    measurements: Sequence[AnyMeasurement],
    *,
    link: str | None = None,
    parameters: Parameters | None = None,
    limits: bool = True,
) -> Identifiability:
    """What measurements can tell about a robot's parameters, before any fit.

    The measured values hardly matter; configurations and the kinds of measurements do.

    Args:
        robot: The nominal robot.
        measurements: As in `fkarm.calibrate`.
        link: As in `fkarm.calibrate`.
        parameters: As in `fkarm.calibrate`.
        limits: As in `fkarm.calibrate`.
    Returns:
        Rank, condition, sets of parameters that act alike, also in words.
    Raises:
        TypeError, UnknownLinkError, ValueError: As `fkarm.calibrate`.
    """
    problem = make_problem(robot, measurements, link, parameters, limits)
    return analyse(problem, start(problem), FIRST)


def make_problem(
    robot: Robot,
    measurements: Sequence[AnyMeasurement],
    link: str | None,
    wanted: Parameters | None,
    limits: bool = True,
) -> Problem:
    """The problem of a fit, with all arguments checked."""
    check_robot(robot)
    link = robot.link_or_end_effector(link)
    found = check_measurements(robot, measurements, limits)
    if wanted is None:
        wanted = default_parameters(robot, link, found)
    if not isinstance(wanted, Parameters):
        raise TypeError(
            f"parameters must be from fkarm.calibration.parameters. Received: {wanted!r}."
        )
    if wanted.robot != robot:
        raise ValueError(
            "parameters must be of the robot that is calibrated. Received: those of "
            f"{wanted.robot!r}."
        )
    if not wanted.entries:
        raise ValueError("parameters must hold a number to fit. Received: none.")
    return Problem(wanted, link, found)


def default_parameters(
    robot: Robot, link: str, measurements: Iterable[AnyMeasurement]
) -> Parameters:
    """Origins of the joints that move the link, and the tool where nothing else says where it is.

    Positions in the root link's frame alone are taken as those of the link itself.
    """
    moving = [j.name for j in robot.path_to(link) if not j.is_fixed and j.mimic is None]
    rows = [m for m in measurements if isinstance(m, Measurement)]
    own = [m for m in rows if getattr(m, "tool", None) is None]
    turns = any(isinstance(m, (Pose, Orientation)) and m.sensor is not None for m in own)
    point = any(
        getattr(m, "sensor", None) is not None or not hasattr(m, m.value or "_") for m in own
    )
    return parameters(robot, origins=moving, tool=turns, point=point and not turns)


def _unknowns(state: State) -> tuple[dict[str, Array], ...]:
    return state.sensors, state.tools, state.points, state.planes


def _check_count(problem: Problem, active: int, found: Fitted) -> None:
    others = problem.size - len(problem.parameters.entries)
    if active == 0:
        raise CalibrationError(
            "Measurements must tell at least one parameter. Received: measurements that tell none "
            "of those asked for more closely than their priors. "
            "fkarm.calibration.identifiability lists why."
            + backwards_in_words(problem, block_medians(problem, found.state))
        )
    if problem.count <= active + others:
        raise CalibrationError(
            f"Measurements must hold more numbers than are fitted. Received: {problem.count} "
            f"numbers for {active} parameters that they can tell and {others} unknown numbers of "
            "sensors, tools, points and planes. Measure at more configurations, or fit fewer "
            "parameters."
        )


def _check_units(problem: Problem, before: Fitted) -> None:
    """Raise CalibrationError if measured positions are in millimetres."""
    reach = np.abs(problem.flange(before.state, derivatives=False).position).max()
    for m in problem.with_rows:
        measured = m.T[:, :3, 3] if isinstance(m, Pose) else getattr(m, "p", None)
        if measured is None or not reach:
            continue
        spread = float(np.ptp(measured, axis=0).max())
        if spread > _MILLIMETRES * reach:
            raise CalibrationError(
                f"Positions of {m.name!r} must be in metres. Received: positions {spread:.4g} "
                f"apart for an arm that reaches {reach:.4g} m; they look like millimetres. Divide "
                "them by 1000."
            )


def _check_residuals(problem: Problem, found: Fitted) -> None:
    """Raise CalibrationError if what is left is what a wrong unit, order or sense leaves."""
    medians = block_medians(problem, found.state)
    for block, middle in zip(problem.row_blocks, medians, strict=True):
        is_angle = block.kind == "orientation"
        if middle <= (_USUAL_ANGLE if is_angle else _USUAL):
            continue
        size = f"{np.degrees(middle):.3g} degrees" if is_angle else f"{1e3 * middle:.3g} mm"
        raise CalibrationError(
            f"A fit must explain its measurements. Received: {block.measurement.name!r}, half "
            f"of whose rows stay more than {size} off.{_hint(problem, block, medians)} Check "
            "units, the order of the columns of q, senses of joints (senses=), large offsets "
            "(offsets=), and that rows belong together."
        )


def _hint(problem: Problem, block: Block, medians: list[float]) -> str:
    """What explains the residuals of a block: joints that count the other way, or degrees."""
    turned = backwards_in_words(problem, medians)
    largest = float(np.abs(block.measurement.q).max())
    if not turned and largest > np.pi:
        return f" Angles reach {largest:.4g}: are they degrees? Try numpy.radians(q)."
    return turned
