"""Residuals of measurements and their derivatives by everything that a fit may change.

Besides the robot's parameters these are the unknown frames of sensors, further tools, the unknown
points of `SamePoint` and the planes of `Plane`. They change by small steps about where they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from fkarm.calibration.chain import Chain, Flange
from fkarm.calibration.measurements import (
    AnyMeasurement,
    Distance,
    Measurement,
    Orientation,
    Plane,
    Pose,
    SamePoint,
)
from fkarm.calibration.parameters import Parameters
from fkarm.calibration.rigid import Array, cross, left_jacobian, rigid, so3_log


class Block(NamedTuple):
    """Residuals of one kind of one measurement."""

    measurement: Any
    kind: str  # "position", "orientation", "plane", "distance"
    rows: slice  # of the residuals
    size: int  # numbers per row of the measurement

    @property
    def sigma(self) -> float | None:
        """The standard deviation that the user states."""
        sigma = self.measurement.sigma
        if isinstance(sigma, (tuple, list, np.ndarray)):
            sigma = sigma[1 if self.kind == "orientation" else 0]
        return sigma


@dataclass
class State:
    """Values of all unknowns: parameters `x`, poses of sensors and tools, points, planes."""

    x: Array
    sensors: dict[str, Array] = field(default_factory=dict)  # pose in the root, (4, 4)
    tools: dict[str, Array] = field(default_factory=dict)  # pose in the link, (4, 4)
    points: dict[str, Array] = field(default_factory=dict)  # (3,)
    planes: dict[str, Array] = field(default_factory=dict)  # normal and distance, (4,)


class Unknowns(NamedTuple):
    """One kind of unknown besides the parameters: where its steps are."""

    kind: str
    name: str
    columns: slice


class Problem:
    """Measurements of a robot, and what may be changed to explain them.

    Args:
        parameters: The numbers that may be fitted.
        link: Name of the link that carries the tool.
        measurements: Checked measurements.
    """

    def __init__(
        self, parameters: Parameters, link: str, measurements: Sequence[AnyMeasurement]
    ) -> None:
        self.parameters, self.link = parameters, link
        self.measurements = tuple(measurements)
        self.with_rows: list[Any] = [m for m in self.measurements if isinstance(m, Measurement)]
        self.q = np.concatenate([m.q for m in self.with_rows])
        ends = np.cumsum([0, *(len(m) for m in self.with_rows)])
        pairs = zip(self.with_rows, ends[:-1], ends[1:], strict=True)
        self.places = {m.name: slice(a, b) for m, a, b in pairs}
        indices, slot = parameters.indices, 6 * (parameters.layout.slots - 1)
        is_tool = (indices >= slot) & (indices < slot + 6)
        self.of_tool = [(int(k), int(indices[k] - slot)) for k in np.flatnonzero(is_tool)]
        self.of_chain = np.flatnonzero(~is_tool)
        self.chain = Chain(parameters.robot, link, indices[self.of_chain], parameters.senses)
        self.unknowns = self._make_unknowns()
        self.size = len(indices) + sum(
            each.columns.stop - each.columns.start for each in self.unknowns
        )
        self.blocks = self._make_blocks()

    @property
    def row_blocks(self) -> list[Block]:
        """The blocks of measurements with rows: all but distances."""
        return [block for block in self.blocks if block.kind != "distance"]

    def _make_unknowns(self) -> list[Unknowns]:
        turned = {m.tool for m in self.with_rows if isinstance(m, (Pose, Orientation))}
        wanted: dict[tuple[str, str], int] = {}
        for m in self.with_rows:
            if m.sensor is not None:
                wanted["sensor", m.sensor] = 6
            if m.tool is not None:
                wanted["tool", m.tool] = 6 if m.tool in turned else 3
            if isinstance(m, (SamePoint, Plane)):
                wanted["point" if isinstance(m, SamePoint) else "plane", m.name] = 3
        unknowns, start = [], len(self.parameters.entries)
        for (kind, name), count in wanted.items():
            unknowns.append(Unknowns(kind, name, slice(start, start + count)))
            start += count
        return unknowns

    def _make_blocks(self) -> list[Block]:
        blocks, start = [], 0
        for m in self.measurements:
            if isinstance(m, Distance):
                kinds = ["distance"]
            elif isinstance(m, Plane):
                kinds = ["plane"]
            elif isinstance(m, Pose):
                kinds = ["position", "orientation"]
            else:
                kinds = ["orientation" if isinstance(m, Orientation) else "position"]
            for kind in kinds:
                size = 1 if kind in ("plane", "distance") else 3
                count = size * (1 if isinstance(m, Distance) else len(m))
                blocks.append(Block(m, kind, slice(start, start + count), size))
                start += count
        self.count = start
        return blocks

    def columns(self, kind: str, name: str | None) -> slice:
        """Where the steps of an unknown are."""
        return next(u.columns for u in self.unknowns if (u.kind, u.name) == (kind, name))

    def moved(self, state: State, step: Array) -> State:
        """The state after a step."""
        new = State(
            state.x + step[: len(state.x)],
            dict(state.sensors), dict(state.tools), dict(state.points), dict(state.planes),
        )  # fmt: skip
        for kind, name, columns in self.unknowns:
            own = step[columns]
            if kind == "point":
                new.points[name] = state.points[name] + own
            elif kind == "plane":
                normal = state.planes[name][:3] + _tangents(state.planes[name][:3]) @ own[:2]
                normal = normal / np.linalg.norm(normal)
                new.planes[name] = np.append(normal, state.planes[name][3] + own[2])
            else:
                change = rigid(np.concatenate([own, np.zeros(6 - len(own))]))
                frames = new.sensors if kind == "sensor" else new.tools
                frames[name] = frames[name] @ change
        return new

    def flange(self, state: State, derivatives: bool = True) -> Flange:
        """The link at all configurations, with derivatives by all parameters but the tool's."""
        return self.chain(self.parameters.vector(state.x), self.q, derivatives)

    def own_tool(self, state: State) -> Array:
        """The fitted point or tool as six numbers."""
        tool = np.zeros(6)
        for column, entry in self.of_tool:
            tool[entry] = state.x[column]
        return tool

    def residuals(self, state: State) -> Array:
        """Differences of predictions and measurements, m and rad."""
        return self._evaluate(state, False)[0]

    def linearised(self, state: State) -> tuple[Array, Array]:
        """The residuals and their derivatives by parameters and other unknowns."""
        return self._evaluate(state, True)

    def _evaluate(self, state: State, derivatives: bool) -> tuple[Array, Array]:
        flange = self.flange(state, derivatives)
        r = np.empty(self.count)
        jac = np.zeros((self.count, self.size if derivatives else 0))
        for block in self.blocks:
            m, rows = block.measurement, block.rows
            if isinstance(m, Distance):
                between = state.points[m.first] - state.points[m.second]
                length = np.linalg.norm(between)
                r[rows] = length - m.distance
                if derivatives:
                    direction = between / max(length, 1e-12)
                    jac[rows, self.columns("point", m.first)] = direction
                    jac[rows, self.columns("point", m.second)] = -direction
                continue
            at = Flange(*(array[self.places[m.name]] for array in flange))
            if block.kind == "orientation":
                residual, own = self._orientation(state, m, at, derivatives)
            else:
                residual, own = self._position(state, m, at, derivatives)
                if block.kind == "plane":
                    residual, own = self._plane(state, m, residual, own, derivatives)
            r[rows] = residual.ravel()
            if derivatives:
                jac[rows] = own.reshape((-1, self.size))
        return r, jac

    def _position(self, state: State, m: Any, at: Flange, derivatives: bool) -> tuple[Array, Array]:
        """Differences of positions `(n, 3)`; of a plane the positions themselves."""
        tool = self.tool_frame(state, m.tool)
        lever = at.rotation @ tool[:3, 3]
        tip = at.position + lever
        jac = np.zeros((*tip.shape, self.size if derivatives else 0))
        if derivatives:
            by_turn = cross(at.angular.swapaxes(1, 2), lever[:, None]).swapaxes(1, 2)
            jac[:, :, self.of_chain] = at.linear + by_turn
            if m.tool is not None:
                columns = self.columns("tool", m.tool)
                turned = at.rotation @ tool[:3, :3]
                jac[:, :, columns.start : columns.start + 3] = turned
            else:
                for column, entry in self.of_tool:
                    if entry < 3:
                        jac[:, :, column] = at.rotation[:, :, entry]
        if isinstance(m, Plane):
            return tip, jac
        if isinstance(m, SamePoint):
            if derivatives:
                jac[:, :, self.columns("point", m.name)] = -np.eye(3)
            return self._in_link(tip - state.points[m.name], jac, at, derivatives)
        measured = m.T[:, :3, 3] if isinstance(m, Pose) else m.p
        if m.sensor is None:
            return tip - measured, jac
        frame = state.sensors[m.sensor]
        if derivatives:
            columns = self.columns("sensor", m.sensor)
            jac[:, :, columns.start : columns.start + 3] = -frame[:3, :3]
            turns = cross(np.eye(3), measured[:, None]).swapaxes(1, 2)  # e_k x p, as columns
            jac[:, :, columns.start + 3 : columns.stop] = -frame[:3, :3] @ turns
        return self._in_link(tip - measured @ frame[:3, :3].T - frame[:3, 3], jac, at, derivatives)

    def _in_link(
        self, residual: Array, jac: Array, at: Flange, derivatives: bool
    ) -> tuple[Array, Array]:
        """Residuals in the link's axes, in which they do not change as everything turns together.

        In the root's axes, a turn of the base and of an unknown point or sensor would seem to have
        an effect, as large as the residuals are.
        """
        back = at.rotation.swapaxes(1, 2)
        if derivatives:
            turned = cross(at.angular.swapaxes(1, 2), residual[:, None]).swapaxes(1, 2)
            jac[:, :, self.of_chain] -= turned
            jac = back @ jac
        return (back @ residual[:, :, None])[..., 0], jac

    def _orientation(
        self, state: State, m: Any, at: Flange, derivatives: bool
    ) -> tuple[Array, Array]:
        """Rotation vectors from measured to predicted orientations, in the measured axes."""
        tool = self.tool_frame(state, m.tool)
        measured = m.T[:, :3, :3] if isinstance(m, Pose) else m.R
        sensor = None if m.sensor is None else state.sensors[m.sensor]
        if sensor is not None:
            measured = sensor[:3, :3] @ measured
        back = measured.swapaxes(1, 2)
        predicted = at.rotation @ tool[:3, :3]
        error = so3_log(back @ predicted)
        jac = np.zeros((*error.shape, self.size if derivatives else 0))
        if derivatives:
            outer = np.linalg.inv(left_jacobian(error)) @ back
            jac[:, :, self.of_chain] = outer @ at.angular
            if m.tool is not None:
                columns = self.columns("tool", m.tool)
                jac[:, :, columns.start + 3 : columns.stop] = outer @ predicted
            else:
                turns = at.rotation @ left_jacobian(self.own_tool(state)[3:])
                for column, entry in self.of_tool:
                    if entry > 2:
                        jac[:, :, column] = (outer @ turns)[:, :, entry - 3]
            if sensor is not None:
                columns = self.columns("sensor", m.sensor)
                jac[:, :, columns.start + 3 : columns.stop] = -outer @ sensor[:3, :3]
        return error, jac

    def _plane(
        self, state: State, m: Any, tip: Array, jac: Array, derivatives: bool
    ) -> tuple[Array, Array]:
        """Heights over a plane, from the positions of the tool."""
        normal, distance = state.planes[m.name][:3], state.planes[m.name][3]
        if derivatives:
            jac = np.einsum("k,nkc->nc", normal, jac)
            columns = self.columns("plane", m.name)
            jac[:, columns.start : columns.start + 2] = tip @ _tangents(normal)
            jac[:, columns.start + 2] = -1.0
        return tip @ normal - distance, jac

    def tool_frame(self, state: State, name: str | None) -> Array:
        """The pose of a tool in the link."""
        return rigid(self.own_tool(state)) if name is None else state.tools[name]


def _tangents(normal: Array) -> Array:
    """Two directions across a unit vector, as columns `(3, 2)`."""
    return np.linalg.svd(normal[None])[2][1:].T
