"""`suggest_configurations`: where to measure, so that the fit is best known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
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
CRITERIA = ("tip", "determinant")
_PASSES = 20  # of exchanges
_STEPS = np.geomspace(0.3, 0.01, 12)  # of the moves that are tried, relative to the joints' ranges
_MOVES = 100  # that are tried of a configuration for every size


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
    criterion: str = "tip",
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
    information (greedy D-optimal), then exchanged while the criterion improves. At last they are
    moved about, by ever smaller random steps, where that improves it.

    Args:
        robot: The nominal robot.
        n: How many.
        measurement: `"position"`, `"pose"`, `"orientation"`, or `"sensor_points"`: positions in the
            frame of a sensor that is fitted along.
        criterion: What is best: `"tip"`, the least mean variance of the tip over all candidates
            (I-optimal), or `"determinant"`, the smallest volume of the parameters' uncertainty
            (D-optimal).
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
    check_choice("criterion", criterion, CRITERIA)
    check_positive("sigma", sigma)
    check_positive("sigma_angle", sigma_angle)

    def free(q: Array) -> Array:
        return q if is_free is None else q[np.asarray(is_free(q), bool)]

    q = free(sample_configurations(robot, candidates, seed=seed))
    if len(q) < 2 * n:
        raise CalibrationError(
            f"There must be at least {2 * n} free configurations to choose {n} from. Received: "
            f"{len(q)} of {candidates} candidates. Raise candidates."
        )
    link = robot.link_or_end_effector(link)
    measured = partial(_measured, measurement, sigmas=(sigma, sigma_angle))
    wanted = parameters or default_parameters(robot, link, [measured(q)])
    design = Design(make_problem(robot, [measured(q)], link, wanted), n, criterion)
    chosen = design.exchanged(design.greedy(n))
    within = (robot.lower_limits, robot.upper_limits)
    best = design.moved(q[chosen], measured, free, within, np.random.default_rng(seed))
    deviations = [float(np.sqrt(design.variance(rows))) for rows in (best[1], design.rows[:n])]
    return Suggestion(best[0], *deviations)


def _measured(kind: str, q: Array, sigmas: tuple[float, float]) -> Any:
    """A measurement at candidates; its values do not matter."""
    eye = np.tile(np.eye(4), (len(q), 1, 1))
    if kind == "pose":
        return Pose("candidates", q, eye, sigma=sigmas)
    if kind == "orientation":
        return Orientation("candidates", q, eye[:, :3, :3], sigma=sigmas[1])
    what = SensorPoints if kind == "sensor_points" else Position
    return what("candidates", q, np.zeros((len(q), 3)), sigma=sigmas[0])


def _nominal(problem: Problem) -> State:
    """The nominal robot; sensors in the root link's frame, tools in the link's."""
    state = start(problem)
    state.x[:] = 0.0
    state.sensors = {name: np.eye(4) for name in state.sensors}
    return state


class Design:
    """What candidates tell, in standard deviations of the noise and of the priors.

    Args:
        problem: One measurement, at all candidates.
        n: How many will be chosen.
        criterion: One of `CRITERIA`.
    """

    def __init__(self, problem: Problem, n: int, criterion: str) -> None:
        self.problem, self.criterion = problem, criterion
        known = analyse(problem, _nominal(problem), FIRST)
        active = active_of(problem.parameters, known.identified)
        others = problem.size - len(active)
        # The parameters that all candidates together can tell, and the unknown frames.
        self.free = np.concatenate([active, np.ones(others, bool)])
        self.scale = np.concatenate([problem.parameters.priors[active], np.ones(others)])
        self.rows, tips = self.derivatives(problem)
        numbers = self.rows.shape[1] * n
        if numbers < len(self.scale):
            raise CalibrationError(
                f"{n} configurations must hold at least as many numbers as are fitted. Received: "
                f"{numbers} numbers for {len(self.scale)}. Raise n, or fit fewer parameters."
            )
        tips[:, :, int(active.sum()) :] = 0.0  # where a sensor stands is no error of the robot
        self.weight = np.einsum("kdi,kdj->ij", tips, tips) / len(tips)

    def derivatives(self, problem: Problem) -> tuple[Array, Array]:
        """Of the numbers of every row of the measurement, and of its tip, `(k, d, m)`."""
        _, jac = problem.linearised(_nominal(problem))
        parts = []
        for block in problem.blocks:
            own = jac[block.rows][:, self.free].reshape((-1, block.size, len(self.scale)))
            parts.append((own * self.scale, block.sigma or 1.0))
        return np.concatenate([own / sigma for own, sigma in parts], axis=1), parts[0][0].copy()

    def greedy(self, n: int) -> Array:
        """Candidates one after another, each with the largest determinant of the information."""
        covariance = np.eye(len(self.scale))
        chosen: list[int] = []
        for _ in range(n):
            spread = self.rows @ covariance @ self.rows.swapaxes(1, 2)
            gains = np.linalg.slogdet(np.eye(self.rows.shape[1]) + spread)[1]
            gains[chosen] = -np.inf
            chosen.append(int(np.argmax(gains)))
            covariance = _covariance(self.rows[chosen])
        return np.array(chosen)

    def exchanged(self, chosen: Array) -> Array:
        """The choice after exchanges that improve the criterion."""
        chosen = chosen.copy()
        for _ in range(_PASSES):
            before = chosen.copy()
            for place in range(len(chosen)):
                others = np.delete(chosen, place)
                gains = self.gains(self.rows, self.rows[others])
                gains[others] = -np.inf
                best = int(np.argmax(gains))
                if gains[best] > gains[chosen[place]] * (1 + 1e-9):
                    chosen[place] = best
            if np.array_equal(chosen, before):
                break
        return chosen

    def moved(
        self,
        q: Array,
        measured: Callable[[Array], Any],
        free: Callable[[Array], Array],
        within: tuple[Array, Array],
        rng: np.random.Generator,
    ) -> tuple[Array, Array]:
        """Configurations after moves of some of their joints that improve the criterion, and rows.

        Joints that turn or slide without end, or of several values, stay where they are.
        """
        lower, upper = within
        width = np.where(np.isfinite(upper - lower), upper - lower, 0.0)
        q, rows = q.copy(), self._rows_at(q, measured)
        for size in _STEPS:
            for place in range(len(q)):
                step = size * width * rng.normal(size=(_MOVES, len(width)))
                step *= rng.random(step.shape) < 0.5  # of some joints only
                tried = np.where(width > 0, np.clip(q[place] + step, lower, upper), q[place])
                tried = np.concatenate([q[place : place + 1], free(tried)])
                found = self._rows_at(tried, measured)
                best = int(np.argmax(self.gains(found, np.delete(rows, place, axis=0))))
                q[place], rows[place] = tried[best], found[best]
        return q, rows

    def gains(self, rows: Array, others: Array) -> Array:
        """What every one of some configurations adds to others. Shape `(k,)`."""
        half = rows @ _covariance(others)  # (k, d, m)
        inner = np.eye(rows.shape[1]) + half @ rows.swapaxes(1, 2)
        if self.criterion == "determinant":
            return np.asarray(np.linalg.slogdet(inner)[1])
        gain = np.linalg.solve(inner, half @ self.weight @ half.swapaxes(1, 2))
        return np.asarray(np.trace(gain, axis1=1, axis2=2))

    def variance(self, rows: Array) -> float:
        """Mean variance of the tip over all candidates, the sum of its three coordinates."""
        return float(np.sum(self.weight * _covariance(rows)))

    def _rows_at(self, q: Array, measured: Callable[[Array], Any]) -> Array:
        problem = Problem(self.problem.parameters, self.problem.link, [measured(q)])
        return self.derivatives(problem)[0]


def _covariance(rows: Array) -> Array:
    """That of the parameters, after measurements and their priors."""
    flat = rows.reshape((-1, rows.shape[-1]))
    return np.asarray(np.linalg.inv(flat.T @ flat + np.eye(flat.shape[1])))
