"""`suggest_configurations`: where to measure, so that the fit is best known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fkarm._checks import check_choice, check_count, check_positive
from fkarm.calibration.candidates import KINDS, TOUCHING, Setup, read_places
from fkarm.calibration.design import CRITERIA, Design, Moves
from fkarm.calibration.fit import default_parameters, make_problem
from fkarm.calibration.measurements import Position
from fkarm.calibration.parameters import Parameters
from fkarm.calibration.problem import Problem
from fkarm.calibration.rigid import Array
from fkarm.errors import CalibrationError
from fkarm.kinematics import sample_configurations
from fkarm.model import Robot
from fkarm.model.argument import check_robot

_LEAST = {"same_point": 2, "plane": 4}  # configurations of one measurement


@dataclass(frozen=True)
class Suggestion:
    """Configurations to measure at. NumPy takes it as their array.

    Args:
        q: The configurations, rad or m. Shape `(n, dof)`.
        deviation: Expected standard deviation of the tip at other configurations, as a distance, m
            (`"orientation"`: as an angle, rad).
        random_deviation: The same after `n` random configurations, which touch the same places.
        place: Which entry of `at` is touched, for each configuration; zeros where there is one
            place or none. Shape `(n,)`.
    """

    q: Array
    deviation: float
    random_deviation: float
    place: Array

    def __len__(self) -> int:
        return len(self.q)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return np.array(self.q, dtype=dtype)


def suggest_configurations(
    robot: Robot,
    n: int,
    *,
    measurement: str = "position",
    criterion: str = "tip",
    link: str | None = None,
    parameters: Parameters | None = None,
    at: Any = None,
    normal: Sequence[float] | None = None,
    is_free: Callable[[Array], Any] | None = None,
    sigma: float = 1e-4,
    sigma_angle: float = 5e-4,
    candidates: int = 2000,
    seed: int = 0,
) -> Suggestion:
    """Configurations after whose measurement the robot is best known.

    Chosen among random ones within the limits: one after another by the determinant of the
    information (greedy D-optimal), then exchanged while the criterion improves. At last they are
    moved about, by ever smaller random steps, where that improves it. Where the tool touches a
    point or a plane, `fkarm.solve_ik` brings every configuration there first.

    Args:
        robot: The nominal robot.
        n: How many.
        measurement: `"position"`, `"pose"`, `"orientation"`; `"sensor_points"`: positions in the
            frame of a sensor that is fitted along; `"same_point"`: the origin of the link stays at
            a point; `"plane"`: it touches a plane.
        criterion: What is best: `"tip"`, the least mean variance of the tip over random
            configurations (I-optimal), or `"determinant"`, the smallest volume of the parameters'
            uncertainty (D-optimal).
        link: As in `fkarm.calibrate`. Of `"same_point"` and `"plane"` the link whose origin
            touches, such as the one that `Robot.with_tool` adds.
        parameters: As in `fkarm.calibrate`.
        at: Roughly where the tool touches, m, in the root link's frame: the point, or any point of
            the plane. Shape `(3,)`; of several sockets `(places, 3)`: each is touched equally
            often, and the distances between them count as known (`Distance`).
        normal: Normal of the plane in the root link's frame, of any length. Shape `(3,)`; None: z.
        is_free: Which of configurations `(k, dof)` may be used, such as those without collision;
            `k` booleans. None: all within the limits.
        sigma: Standard deviation of a measured coordinate, m.
        sigma_angle: Standard deviation about an axis, rad.
        candidates: How many random configurations to choose from, of all places together.
        seed: Seed of the random configurations.
    Returns:
        The configurations and the expected standard deviation of the tip.
    Raises:
        TypeError: If `robot` is not a Robot.
        CalibrationError: If too few candidates are free or touch, or `n` of them cannot tell the
            parameters.
        UnknownLinkError: If the link does not exist.
        ValueError: If a number or a name is not one of its kind, or `at` or `normal` is missing or
            of no use.
    """
    check_robot(robot)
    check_count("n", n)
    check_count("candidates", candidates)
    check_choice("measurement", measurement, KINDS)
    check_choice("criterion", criterion, CRITERIA)
    check_positive("sigma", sigma)
    check_positive("sigma_angle", sigma_angle)
    link = robot.link_or_end_effector(link)
    places, axis = read_places(measurement, at, normal)
    setup = Setup(robot, link, measurement, (sigma, sigma_angle), places, axis)
    if n < _LEAST.get(measurement, 1) * setup.groups:
        raise ValueError(
            f"n must be at least {_LEAST[measurement]} for each place. Received: n={n} for "
            f"{setup.groups}."
        )

    def free(q: Array) -> Array:
        if is_free is None:
            return q
        chosen = np.asarray(is_free(q))
        if chosen.shape != (len(q),) or chosen.dtype != bool:
            raise ValueError(
                f"is_free must return a boolean for each of {len(q)} configurations. Received: "
                f"{chosen.dtype} of shape {chosen.shape}."
            )
        return q[chosen]

    def usable(q: Array, group: int) -> Array:
        return free(setup.brought(q, group))

    drawn = sample_configurations(robot, candidates, seed=seed)
    q = [usable(drawn[k :: setup.groups], k) for k in range(setup.groups)]
    for place, own in enumerate(q):
        _check_candidates(setup, place, len(own), n, candidates)
    measured = [setup.measured(own, k) for k, own in enumerate(q)]
    wanted = parameters or default_parameters(robot, link, measured)
    problem = make_problem(robot, [*measured, *setup.distances()], link, wanted)
    judged = None
    if measurement in TOUCHING:
        judged = Problem(wanted, link, [Position("judged", drawn, np.zeros((candidates, 3)))])
    design = Design(problem, n, criterion, judged)
    chosen = design.exchanged(design.greedy(n))
    moves = Moves((robot.lower_limits, robot.upper_limits), usable, setup.measured)
    found, rows = design.moved(chosen, np.concatenate(q), moves, np.random.default_rng(seed))
    first = design.rows[design.first(n)]
    after, random = (float(np.sqrt(design.variance(each))) for each in (rows, first))
    return Suggestion(found, after, random, design.group[chosen])


def _check_candidates(setup: Setup, place: int, count: int, n: int, candidates: int) -> None:
    least = 2 * -(-n // setup.groups)
    if count >= least:
        return
    where, hint = "", "Raise candidates."
    if setup.kind in TOUCHING:
        where = f" that touch {setup.places[place].tolist()}"
        hint = "Raise candidates, or touch where the arm reaches from more sides."
    raise CalibrationError(
        f"There must be at least {least} free configurations{where} to choose from. Received: "
        f"{count} of {candidates // setup.groups} candidates. {hint}"
    )
