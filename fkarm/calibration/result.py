"""What a calibration found."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from fkarm.calibration.corrections import (
    configuration_of,
    corrected_robot,
    measured_to_joint,
    with_point,
)
from fkarm.calibration.identify import Identifiability
from fkarm.calibration.problem import Problem, State
from fkarm.calibration.rigid import Array
from fkarm.calibration.senses import backwards_in_words, block_medians
from fkarm.calibration.solve import Fitted, inflation, lengths
from fkarm.errors import RobotError
from fkarm.model import Robot

# Standard deviations of one coordinate. Of three normal numbers 1 in 64,000 is beyond.
_OUTLIER = 5.0
# An origin that turns by more than this is no error of an arm.
_TURNED = np.radians(90.0)


@dataclass(frozen=True, repr=False)
class Calibration:
    """A fitted robot, and how well it is known. `print` shows the report.

    Args:
        problem: What was fitted to.
        before: The nominal robot, to which only the tool and other unknowns were fitted.
        after: The fit.
        active: Which parameters were fitted, booleans.
        identifiability: What the measurements can tell.
        loss: Name of the loss.
    """

    problem: Problem
    before: Fitted
    after: Fitted
    active: Array
    identifiability: Identifiability
    loss: str

    @cached_property
    def parameters(self) -> dict[str, float]:
        """Fitted values by name, m, rad or 1. Parameters that are held are left out."""
        values = self.after.state.x
        return {n: float(values[k]) for k, n in enumerate(self._names) if self.active[k]}

    @cached_property
    def standard_deviations(self) -> dict[str, float]:
        """Standard deviations of the fitted values by name, m, rad or 1.

        Zero at a bound; the others' are those of a fit that holds it there.
        """
        deviations = np.sqrt(np.diag(self.covariance))
        return dict(zip(self.parameters, map(float, deviations), strict=True))

    @cached_property
    def correlations(self) -> Array:
        """Correlations of the fitted values, in the order of `parameters`. Shape `(k, k)`."""
        deviations = np.sqrt(np.diag(self.covariance))
        deviations[deviations == 0.0] = 1.0  # at a bound
        correlations = np.asarray(self.covariance / np.outer(deviations, deviations))
        np.fill_diagonal(correlations, 1.0)
        return correlations

    @cached_property
    def covariance(self) -> Array:
        """Covariance of the fitted values, in the order of `parameters`. Shape `(k, k)`.

        Rows and columns of parameters at a bound are zero.
        """
        fitted = np.flatnonzero(self.active)
        free = np.isin(fitted, self.after.free)
        root = np.sqrt(np.diag(self.after.information))
        inverse = np.linalg.inv(self.after.information / np.outer(root, root))
        count = int(free.sum())
        covariance = np.zeros((len(fitted), len(fitted)))
        covariance[np.ix_(free, free)] = (inverse / np.outer(root, root))[:count, :count]
        return covariance * inflation(self.problem, self.after, self.loss)

    @property
    def at_bounds(self) -> tuple[str, ...]:
        """Names of the parameters that would be larger without their bounds."""
        return tuple(self._names[k] for k in self.after.at_bound)

    @cached_property
    def residuals(self) -> dict[str, Array]:
        """Lengths of residuals by measurement, m or rad: `(n,)`, of poses `(n, 2)`.

        Those of `SamePoint` are distances from the fitted point, of `Plane` absolute heights, of
        `Distance` absolute differences, `(1,)`.
        """
        return self._lengths(self.after.state)

    @cached_property
    def residuals_before(self) -> dict[str, Array]:
        """The same of the nominal robot, after a fit of the tool and other unknowns alone."""
        return self._lengths(self.before.state)

    @cached_property
    def outliers(self) -> dict[str, Array]:
        """Rows that are more than five standard deviations off, by measurement."""
        found: dict[str, Array] = {}
        residuals = self.problem.residuals(self.after.state)
        for block in self.problem.blocks:
            far = lengths(block, residuals) > _OUTLIER * self.after.sigmas.of(block)
            name = block.measurement.name
            if far.any():
                found[name] = np.union1d(found.get(name, []), np.flatnonzero(far)).astype(int)
        return found

    @cached_property
    def turned(self) -> tuple[str, ...]:
        """Which origins turn by more than 90 degrees and what may be the reason, in words.

        So large a turn often makes up for a motor that counts the other way. Positions of the tip
        may then be right, while frames of links are upside down. Every pattern of senses is tried,
        as for a fit that fails.
        """
        layout = self.problem.parameters.layout
        angles = np.linalg.norm(layout.split(self._vector)[0][1:-1, 3:], axis=1)
        names = [layout.joints[k % len(layout.joints)] for k in np.flatnonzero(angles > _TURNED)]
        if not names:
            return ()
        listed = ", ".join(f"{name!r}" for name in dict.fromkeys(names))
        reason = backwards_in_words(self.problem, block_medians(self.problem, self.before.state))
        if not reason:
            reason = (
                " Check senses of joints (senses=) and offsets, or bound the origins (.within)."
            )
        return (f"origins of {listed}.{reason}",)

    @property
    def unidentified(self) -> tuple[str, ...]:
        """What the measurements cannot tell, in words."""
        return self.identifiability.unidentified

    @cached_property
    def robot(self) -> Robot:
        """The robot with the fitted geometry and a link for the fitted point or tool."""
        return self._robot_and_point[0]

    @property
    def point_link(self) -> str:
        """Name of the link at the fitted point or tool; the tool's carrier if none was fitted."""
        return self._robot_and_point[1]

    @property
    def sensors(self) -> dict[str, Array]:
        """Poses of the sensors in the root link's frame, m. Shape `(4, 4)`."""
        return dict(self.after.state.sensors)

    @property
    def tools(self) -> dict[str, Array]:
        """Poses of further tools in the link's frame, m. Shape `(4, 4)`."""
        return dict(self.after.state.tools)

    @property
    def noise(self) -> dict[str, float]:
        """Estimated standard deviations of a measured coordinate, m, and about an axis, rad."""
        return {
            "position": self.after.sigmas.position,
            "orientation": self.after.sigmas.orientation,
        }

    def configuration(self, q: Any) -> Array:
        """Joint values to give to `robot`, from those that the controller reports.

        `q` itself unless gains or harmonics were fitted. Shape `(..., dof)`, float64.
        """
        return measured_to_joint(self._numbers, configuration_of(self._robot, q))

    def to_urdf(self) -> str:
        """The fitted robot as URDF text.

        Raises:
            RobotError: If gains or harmonics were fitted, for which URDF has no words.
        """
        if self._numbers[1:].any():
            raise RobotError(
                "A URDF holds origins, axes and offsets of joints. Received: fitted gains or "
                "harmonics of joint values, which it cannot hold. Use fit.configuration(q) with "
                "fit.robot, or fit without them."
            )
        return self.robot.to_urdf()

    @cached_property
    def validation(self) -> dict[str, Array]:
        """Residuals of measurements that were left out of the fit, by measurement.

        Groups that a `Distance` joins are left out together; of one group alone a fifth of the rows
        at a time.
        """
        from fkarm.calibration.validate import left_out

        return left_out(self)

    @property
    def _names(self) -> tuple[str, ...]:
        return self.problem.parameters.names

    @property
    def _robot(self) -> Robot:
        return self.problem.parameters.robot

    @cached_property
    def _vector(self) -> Array:
        return self.problem.parameters.vector(self.after.state.x)

    @cached_property
    def _numbers(self) -> Array:
        return self.problem.parameters.layout.split(self._vector)[1]

    @cached_property
    def _robot_and_point(self) -> tuple[Robot, str]:
        robot = corrected_robot(self._robot, self._vector, self.problem.parameters.senses)
        if not self.problem.of_tool:
            return robot, self.problem.link
        return with_point(robot, self.problem.link, self.problem.own_tool(self.after.state))

    def _lengths(self, state: State) -> dict[str, Array]:
        return lengths_by_name(self.problem, state)

    def __str__(self) -> str:
        from fkarm.calibration.report import report

        return report(self)


def lengths_by_name(problem: Problem, state: State) -> dict[str, Array]:
    """Lengths of residuals by measurement; those of poses as two columns."""
    residuals = problem.residuals(state)
    found: dict[str, list[Array]] = {}
    for block in problem.blocks:
        found.setdefault(block.measurement.name, []).append(lengths(block, residuals))
    return {
        name: parts[0] if len(parts) == 1 else np.stack(parts, axis=1)
        for name, parts in found.items()
    }
