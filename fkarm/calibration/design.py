"""The choice of configurations by what they tell: greedy, exchanges, moves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fkarm.calibration.identify import active_of, analyse
from fkarm.calibration.measurements import Measurement
from fkarm.calibration.problem import Problem
from fkarm.calibration.rigid import Array
from fkarm.calibration.solve import FIRST
from fkarm.calibration.start import nominal
from fkarm.errors import CalibrationError

CRITERIA = ("tip", "determinant")
_PASSES = 20  # of exchanges
_SIZES = np.geomspace(0.3, 0.01, 12)  # of the moves that are tried, relative to the joints' ranges
_MOVES = 100  # that are tried of a configuration for every size
_LEAST_ROWS = 4  # of any measurement


@dataclass(frozen=True)
class Moves:
    """Where configurations may be moved to.

    Args:
        within: Lower and upper limits of the entries of `q`.
        usable: Of configurations, and the index of their measurement, those that can be measured.
        measured: The measurement at configurations.
    """

    within: tuple[Array, Array]
    usable: Callable[[Array, int], Array]
    measured: Callable[[Array, int], Measurement]


class Design:
    """What candidates tell, in standard deviations of the noise and of the priors.

    Candidates of one measurement replace each other only: as many of each are chosen, or one more.

    Args:
        problem: Measurements at all candidates, and distances that are known.
        n: How many candidates will be chosen.
        criterion: One of `CRITERIA`.
        judged: Measurements of the tip where it should be known; None: at the candidates.
    """

    def __init__(
        self, problem: Problem, n: int, criterion: str, judged: Problem | None = None
    ) -> None:
        self.problem, self.criterion, self.state = problem, criterion, nominal(problem)
        known = analyse(problem, self.state, FIRST)
        active = active_of(problem.parameters, known.identified)
        others = problem.size - len(active)
        # The parameters that all candidates together can tell, and the unknown frames and points.
        self.free = np.concatenate([active, np.ones(others, bool)])
        self.scale = np.concatenate([problem.parameters.priors[active], np.ones(others)])
        counts = [len(m) for m in problem.with_rows]
        self.group = np.repeat(np.arange(len(counts)), counts)
        self.rows, self.known = self._told(problem)
        numbers = self.rows.shape[1] * n + problem.count - self.rows.shape[1] * len(self.group)
        if numbers < len(self.scale):
            raise CalibrationError(
                f"{n} configurations must hold at least as many numbers as are fitted. Received: "
                f"{numbers} numbers for {len(self.scale)}. Raise n, or fit fewer parameters."
            )
        tips = self._tips(judged or problem)
        tips[:, :, int(active.sum()) :] = 0.0  # where a sensor stands is no error of the robot
        self.weight = np.einsum("kdi,kdj->ij", tips, tips) / len(tips)

    def first(self, n: int) -> Array:
        """The first candidates of every measurement in turn: a random choice."""
        places = [np.flatnonzero(self.group == k) for k in range(self.group.max() + 1)]
        return np.array([places[k % len(places)][k // len(places)] for k in range(n)])

    def greedy(self, n: int) -> Array:
        """Candidates one after another, each with the largest determinant of the information."""
        covariance = np.linalg.inv(self.known)
        chosen: list[int] = []
        for k in range(n):
            spread = self.rows @ covariance @ self.rows.swapaxes(1, 2)
            gains = np.linalg.slogdet(np.eye(self.rows.shape[1]) + spread)[1]
            gains[chosen] = -np.inf
            gains[self.group != k % (self.group.max() + 1)] = -np.inf
            chosen.append(int(np.argmax(gains)))
            covariance = self.covariance(self.rows[chosen])
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
                gains[self.group != self.group[chosen[place]]] = -np.inf
                best = int(np.argmax(gains))
                if gains[best] > gains[chosen[place]] * (1 + 1e-9):
                    chosen[place] = best
            if np.array_equal(chosen, before):
                break
        return chosen

    def moved(
        self, chosen: Array, q: Array, moves: Moves, rng: np.random.Generator
    ) -> tuple[Array, Array]:
        """Configurations after moves of some of their joints that improve the criterion, and rows.

        Joints that turn or slide without end, or of several values, are not moved by themselves.
        """
        lower, upper = moves.within
        width = np.where(np.isfinite(upper - lower), upper - lower, 0.0)
        q, rows = q[chosen], self.rows[chosen]
        for size in _SIZES:
            for place, group in enumerate(self.group[chosen]):
                step = size * width * rng.normal(size=(_MOVES, len(width)))
                step *= rng.random(step.shape) < 0.5  # of some joints only
                tried = np.where(width > 0, np.clip(q[place] + step, lower, upper), q[place])
                tried = np.concatenate([q[place : place + 1], moves.usable(tried, group)])
                if len(tried) < _LEAST_ROWS:
                    continue
                own = Problem(
                    self.problem.parameters, self.problem.link, [moves.measured(tried, group)]
                )
                found = self._told(own)[0]
                best = int(np.argmax(self.gains(found, np.delete(rows, place, axis=0))))
                q[place], rows[place] = tried[best], found[best]
        return q, rows

    def gains(self, rows: Array, others: Array) -> Array:
        """What every one of some configurations adds to others. Shape `(k,)`."""
        half = rows @ self.covariance(others)  # (k, d, m)
        inner = np.eye(rows.shape[1]) + half @ rows.swapaxes(1, 2)
        if self.criterion == "determinant":
            return np.asarray(np.linalg.slogdet(inner)[1])
        gain = np.linalg.solve(inner, half @ self.weight @ half.swapaxes(1, 2))
        return np.asarray(np.trace(gain, axis1=1, axis2=2))

    def variance(self, rows: Array) -> float:
        """Mean variance of the tip where it is judged, the sum of its three coordinates."""
        return float(np.sum(self.weight * self.covariance(rows)))

    def covariance(self, rows: Array) -> Array:
        """That of the parameters, after measurements, known distances and the priors."""
        flat = rows.reshape((-1, rows.shape[-1]))
        return np.asarray(np.linalg.inv(flat.T @ flat + self.known))

    def _told(self, problem: Problem) -> tuple[Array, Array]:
        """Derivatives of what every row tells, `(k, d, m)`, and what is known without rows."""
        jac, known = self._derivatives(problem), np.eye(len(self.scale))
        parts: dict[str, list[Array]] = {}
        for block in problem.blocks:
            own = jac[block.rows] / (block.sigma or 1.0)
            if block.kind == "distance":
                known = known + own.T @ own
            else:
                own = own.reshape((-1, block.size, len(self.scale)))
                parts.setdefault(block.measurement.name, []).append(own)
        rows = [np.concatenate(of_one, axis=1) for of_one in parts.values()]
        return np.concatenate(rows), known

    def _tips(self, problem: Problem) -> Array:
        """Derivatives of the tip, of orientations alone of these. Shape `(k, d, m)`."""
        block = problem.blocks[0]
        return self._derivatives(problem)[block.rows].reshape((-1, block.size, len(self.scale)))

    def _derivatives(self, problem: Problem) -> Array:
        """By what is free, in units of the priors; of a problem with some of the unknowns."""
        _, own = problem.linearised(self.state)
        count = len(problem.parameters.entries)
        jac = np.zeros((len(own), self.problem.size))
        jac[:, :count] = own[:, :count]
        for kind, name, columns in problem.unknowns:
            jac[:, self.problem.columns(kind, name)] = own[:, columns]
        return jac[:, self.free] * self.scale
