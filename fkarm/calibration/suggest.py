"""`suggest_configurations`: where to measure, so that the fit is best known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from fkarm._checks import check_choice, check_count, check_positive
from fkarm.calibration.fit import default_parameters, make_problem
from fkarm.calibration.identify import active_of, analyse
from fkarm.calibration.measurements import Orientation, Pose, Position, SensorPoints
from fkarm.calibration.parameters import Parameters
from fkarm.calibration.problem import Problem, State
from fkarm.calibration.rigid import Array
from fkarm.calibration.solve import FIRST
from fkarm.calibration.start import start
from fkarm.errors import CalibrationError
from fkarm.kinematics import sample_configurations
from fkarm.model import Robot

KINDS = ("position", "pose", "orientation", "sensor_points")
_PASSES = 20  # of exchanges


@dataclass(frozen=True)
class Suggestion:
    """Configurations to measure at. NumPy takes it as their array.

    Args:
        q: The configurations, rad or m. Shape `(n, dof)`.
        deviation: Expected standard deviation of the tip at other configurations, as a distance, m
            (`"orientation"`: as an angle, rad).
        random_deviation: The same after `n` random configurations.
    """

    q: Array
    deviation: float
    random_deviation: float

    def __len__(self) -> int:
        return len(self.q)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return np.array(self.q, dtype=dtype)


def suggest_configurations(
    robot: Robot,
    n: int,
    *,
    measurement: str = "position",
    link: str | None = None,
    parameters: Parameters | None = None,
    is_free: Callable[[Array], Any] | None = None,
    sigma: float = 1e-4,
    sigma_angle: float = 5e-4,
    candidates: int = 2000,
    seed: int = 0,
) -> Suggestion:
    """Configurations after whose measurement the robot is best known.

    Chosen among random ones within the limits: one after another by the determinant of the
    information (greedy D-optimal), then exchanged while the variance of the tip over all candidates
    falls.

    Args:
        robot: The nominal robot.
        n: How many.
        measurement: `"position"`, `"pose"`, `"orientation"`, or `"sensor_points"`: positions in the
            frame of a sensor that is fitted along.
        link: As in `fkarm.calibrate`.
        parameters: As in `fkarm.calibrate`.
        is_free: Which of configurations `(k, dof)` may be used, such as those without collision;
            `k` booleans. None: all within the limits.
        sigma: Standard deviation of a measured coordinate, m.
        sigma_angle: Standard deviation about an axis, rad.
        candidates: How many random configurations to choose from.
        seed: Seed of the random configurations.
    Returns:
        The configurations and the expected standard deviation of the tip.
    Raises:
        CalibrationError: If too few candidates are free, or `n` of them cannot tell the parameters.
        UnknownLinkError: If the link does not exist.
        ValueError: If a number or a name is not one of its kind.
    """
    check_count("n", n)
    check_count("candidates", candidates)
    check_choice("measurement", measurement, KINDS)
    check_positive("sigma", sigma)
    check_positive("sigma_angle", sigma_angle)
    q = sample_configurations(robot, candidates, seed=seed)
    if is_free is not None:
        q = q[np.asarray(is_free(q), bool)]
    if len(q) < 2 * n:
        raise CalibrationError(
            f"There must be at least {2 * n} free configurations to choose {n} from. Received: "
            f"{len(q)} of {candidates} candidates. Raise candidates."
        )
    link = robot.link_or_end_effector(link)
    measured = _measured(measurement, q, (sigma, sigma_angle))
    wanted = default_parameters(robot, link, [measured]) if parameters is None else parameters
    problem = make_problem(robot, [measured], link, wanted)
    rows, tips, pull = _derivatives(problem, n)
    chosen = _exchanged(_greedy(rows, n, pull), rows, tips, pull)
    random = np.arange(n)
    deviations = [float(np.sqrt(_variance(own, rows, tips, pull))) for own in (chosen, random)]
    return Suggestion(q[chosen], *deviations)


def _measured(kind: str, q: Array, sigmas: tuple[float, float]) -> Any:
    """A measurement at all candidates; its values do not matter."""
    eye = np.tile(np.eye(4), (len(q), 1, 1))
    if kind == "pose":
        return Pose("candidates", q, eye, sigma=sigmas)
    if kind == "orientation":
        return Orientation("candidates", q, eye[:, :3, :3], sigma=sigmas[1])
    what = SensorPoints if kind == "sensor_points" else Position
    return what("candidates", q, np.zeros((len(q), 3)), sigma=sigmas[0])


def _derivatives(problem: Problem, n: int) -> tuple[Array, Array, Array]:
    """Derivatives of a candidate's numbers, those of its tip, and the inverse squares of priors.

    In standard deviations of the noise and of the priors, of the parameters that all candidates
    together can tell and of the unknown frames. Shapes `(k, d, m)`, `(k, 3, m)`, `(m,)`.
    """
    nominal = _nominal(problem)
    known = analyse(problem, nominal, FIRST)
    active = active_of(problem.parameters, known.identified)
    count = len(active)
    free = np.concatenate([np.flatnonzero(active), np.arange(count, problem.size)])
    _, jac = problem.linearised(nominal)
    parts: list[Array] = []
    tips: Array | None = None
    for block in problem.blocks:
        own = jac[block.rows][:, free].reshape((-1, block.size, len(free)))
        parts.append(own / (block.sigma or 1.0))
        tips = own if tips is None else tips
    scale = np.concatenate([problem.parameters.priors[active], np.ones(problem.size - count)])
    rows = np.concatenate(parts, axis=1) * scale
    numbers = rows.shape[1] * n
    if numbers < len(free):
        raise CalibrationError(
            f"{n} configurations must hold at least as many numbers as are fitted. Received: "
            f"{numbers} numbers for {len(free)}. Raise n, or fit fewer parameters."
        )
    tips = np.asarray(tips) * scale
    tips[:, :, int(active.sum()) :] = 0.0  # where a sensor stands is no error of the robot
    return rows, tips, np.ones(len(free))


def _nominal(problem: Problem) -> State:
    """The nominal robot; sensors in the root link's frame, tools in the link's."""
    state = start(problem)
    state.x[:] = 0.0
    state.sensors = {name: np.eye(4) for name in state.sensors}
    return state


def _greedy(rows: Array, n: int, pull: Array) -> Array:
    """Candidates one after another, each with the largest determinant of the information."""
    covariance = np.diag(1.0 / pull)
    chosen: list[int] = []
    for _ in range(n):
        spread = rows @ covariance @ rows.swapaxes(1, 2)
        gains = np.linalg.slogdet(np.eye(rows.shape[1]) + spread)[1]
        gains[chosen] = -np.inf
        chosen.append(int(np.argmax(gains)))
        covariance = _with(covariance, rows[chosen[-1]])
    return np.array(chosen)


def _exchanged(chosen: Array, rows: Array, tips: Array, pull: Array) -> Array:
    """The choice after exchanges that lower the variance of the tip."""
    weight = np.einsum("kdi,kdj->ij", tips, tips) / len(tips)
    chosen = chosen.copy()
    for _ in range(_PASSES):
        has_changed = False
        for place in range(len(chosen)):
            others = np.delete(chosen, place)
            covariance = _covariance(rows[others], pull)
            half = rows @ covariance  # (k, d, m)
            inner = np.eye(rows.shape[1]) + half @ rows.swapaxes(1, 2)
            gain = np.linalg.solve(inner, half @ weight @ half.swapaxes(1, 2))
            gains = np.trace(gain, axis1=1, axis2=2)
            gains[others] = -np.inf
            best = int(np.argmax(gains))
            if gains[best] > gains[chosen[place]] * (1 + 1e-9):
                chosen[place], has_changed = best, True
        if not has_changed:
            break
    return chosen


def _variance(chosen: Array, rows: Array, tips: Array, pull: Array) -> float:
    """Mean variance of the tip over all candidates, the sum of its three coordinates."""
    covariance = _covariance(rows[chosen], pull)
    return float(np.einsum("kdi,ij,kdj->", tips, covariance, tips) / len(tips))


def _covariance(rows: Array, pull: Array) -> Array:
    flat = rows.reshape((-1, rows.shape[-1]))
    return np.asarray(np.linalg.inv(flat.T @ flat + np.diag(pull)))


def _with(covariance: Array, row: Array) -> Array:
    """The covariance after one more measurement."""
    half = covariance @ row.T
    inner = np.eye(len(row)) + row @ half
    return np.asarray(covariance - half @ np.linalg.solve(inner, half.T))
