"""Where a fit starts: the nominal robot, and unknown frames and points in closed form."""

from __future__ import annotations

from typing import Any

import numpy as np

from fkarm.calibration.chain import Flange
from fkarm.calibration.measurements import Orientation, Plane, Pose, Position, SamePoint
from fkarm.calibration.problem import Problem, State
from fkarm.calibration.rigid import Array, so3_log
from fkarm.model.frames import nearest_rotation

_RANK = 1e-6  # of the largest singular value


def start(problem: Problem) -> State:
    """The nominal robot with tools, sensors, points and planes that fit it."""
    state = State(np.zeros(len(problem.parameters.entries)))
    for kind, name, _ in problem.unknowns:
        if kind in ("sensor", "tool"):
            (state.sensors if kind == "sensor" else state.tools)[name] = np.eye(4)
    flange = problem.flange(state, derivatives=False)
    rows = {
        m.name: Flange(*(array[problem.places[m.name]] for array in flange))
        for m in problem.with_rows
    }
    turned = _start_rotations(problem, state, rows)
    _start_positions(problem, state, rows, turned)
    settle(problem, state, flange)
    return state


def nominal(problem: Problem) -> State:
    """The nominal robot; sensors in the root link's frame, tools in the link's."""
    state = start(problem)
    state.x[:] = 0.0
    for frames in (state.sensors, state.tools):
        frames.update({name: np.eye(4) for name in frames})
    settle(problem, state, problem.flange(state, derivatives=False))
    return state


def settle(problem: Problem, state: State, flange: Flange) -> None:
    """Set the points and planes of a state to those that fit its tips."""
    for m in problem.with_rows:
        rows, tool = problem.places[m.name], problem.tool_frame(state, m.tool)[:3, 3]
        tip = flange.position[rows] + flange.rotation[rows] @ tool
        if isinstance(m, SamePoint):
            state.points[m.name] = tip.mean(axis=0)
        elif isinstance(m, Plane):
            centre = tip.mean(axis=0)
            normal = np.linalg.svd(tip - centre)[2][2]
            state.planes[m.name] = np.append(normal, centre @ normal)


def _start_rotations(problem: Problem, state: State, rows: dict[str, Flange]) -> set[str]:
    """Set rotations of sensors and tools that measured orientations show; which sensors."""
    turned: set[str] = set()
    known: set[str | None] = set()
    for m in problem.with_rows:
        if not isinstance(m, (Pose, Orientation)):
            continue
        predicted = rows[m.name].rotation
        measured = m.T[:, :3, :3] if isinstance(m, Pose) else m.R
        is_free = m.tool not in known and _turns(problem, m.tool)
        if m.sensor is None or m.sensor in turned:
            if m.sensor is not None:
                measured = state.sensors[m.sensor][:3, :3] @ measured
            if is_free:
                turn = nearest_rotation((predicted.swapaxes(1, 2) @ measured).mean(axis=0))
                _set_turn(problem, state, m.tool, turn)
        elif is_free:
            sensor, turn = _both_rotations(predicted, measured)
            state.sensors[m.sensor][:3, :3] = sensor
            _set_turn(problem, state, m.tool, turn)
        else:
            tool = problem.tool_frame(state, m.tool)[:3, :3]
            product = (predicted @ tool @ measured.swapaxes(1, 2)).mean(axis=0)
            state.sensors[m.sensor][:3, :3] = nearest_rotation(product)
        known.add(m.tool)
        turned |= {m.sensor} if m.sensor is not None else set()
    return turned


def _start_positions(
    problem: Problem, state: State, rows: dict[str, Flange], turned: set[str]
) -> None:
    """Set positions of tools, and poses of sensors as far as they are not turned yet."""
    known: set[str | None] = set()
    for m in problem.with_rows:
        if isinstance(m, (Orientation, Plane)):
            continue
        at, tool = rows[m.name], m.tool
        is_free = tool not in known and _moves(problem, tool)
        if isinstance(m, SamePoint):
            if is_free:  # R t + p is the same in all rows
                differences = at.rotation - at.rotation.mean(axis=0)
                steps = at.position.mean(axis=0) - at.position
                _set_position(problem, state, tool, _solved(differences, steps))
                known.add(tool)
            continue
        measured = m.T[:, :3, 3] if isinstance(m, Pose) else m.p
        _start_point(problem, state, m, at, measured, is_free, turned)
        known.add(tool)


def _start_point(
    problem: Problem,
    state: State,
    m: Pose | Position | Any,
    at: Flange,
    measured: Array,
    is_free: bool,
    turned: set[str],
) -> None:
    """Solve `sensor @ measured = position + rotation @ tool` for what is not known of it."""
    count, fixed = len(measured), problem.tool_frame(state, m.tool)[:3, 3]
    levers = -at.rotation if is_free else np.zeros((count, 3, 0))
    tip = at.position if is_free else at.position + at.rotation @ fixed
    eyes = np.tile(np.eye(3), (count, 1, 1))
    if m.sensor is None:
        if is_free:
            _set_position(problem, state, m.tool, _solved(-levers, measured - tip))
        return
    sensor = state.sensors[m.sensor]
    if m.sensor not in turned:
        by_rotation = np.einsum("nk,ij->nijk", measured, np.eye(3)).reshape((count, 3, 9))
        system = np.concatenate([by_rotation, eyes, levers], axis=2)
        if _has_rank(system):
            sensor[:3, :3] = nearest_rotation(_solved(system, tip)[:9].reshape((3, 3)))
        else:
            spread = (tip - tip.mean(axis=0)).T @ (measured - measured.mean(axis=0))
            sensor[:3, :3] = nearest_rotation(spread)
        turned.add(m.sensor)
    solution = _solved(np.concatenate([eyes, levers], axis=2), tip - measured @ sensor[:3, :3].T)
    sensor[:3, 3] = solution[:3]
    if is_free:
        _set_position(problem, state, m.tool, solution[3:])


def _both_rotations(predicted: Array, measured: Array) -> tuple[Array, Array]:
    """`sensor` and `tool` with `sensor @ measured = predicted @ tool`; linear in both."""
    of_sensor = np.einsum("nkj,il->nijlk", measured, np.eye(3)).reshape((-1, 9))
    of_tool = np.einsum("nil,kj->nijlk", predicted, np.eye(3)).reshape((-1, 9))
    null = np.linalg.svd(np.concatenate([of_sensor, -of_tool], axis=1))[2][-1]
    sensor, tool = null[:9].reshape((3, 3)), null[9:].reshape((3, 3))
    sign = np.sign(np.linalg.det(sensor)) or 1.0
    return nearest_rotation(sign * sensor), nearest_rotation(sign * tool)


def _turns(problem: Problem, tool: str | None) -> bool:
    return tool is not None or any(entry > 2 for _, entry in problem.of_tool)


def _moves(problem: Problem, tool: str | None) -> bool:
    return tool is not None or len([entry for _, entry in problem.of_tool if entry < 3]) == 3


def _set_turn(problem: Problem, state: State, tool: str | None, turn: Array) -> None:
    if tool is not None:
        state.tools[tool][:3, :3] = turn
        return
    rotvec = so3_log(turn)
    for column, entry in problem.of_tool:
        if entry > 2:
            state.x[column] = rotvec[entry - 3]


def _set_position(problem: Problem, state: State, tool: str | None, position: Array) -> None:
    if tool is not None:
        state.tools[tool][:3, 3] = position
        return
    for column, entry in problem.of_tool:
        if entry < 3:
            state.x[column] = position[entry]


def _solved(system: Array, right: Array) -> Array:
    """The shortest least-squares solution of stacked systems `(n, 3, k)`, `(n, 3)`."""
    flat = system.reshape((-1, system.shape[2]))
    return np.linalg.lstsq(flat, right.ravel(), rcond=_RANK)[0]


def _has_rank(system: Array) -> bool:
    flat = system.reshape((-1, system.shape[2]))
    values = np.linalg.svd(flat / np.linalg.norm(flat, axis=0).clip(1e-300), compute_uv=False)
    return len(flat) > flat.shape[1] and bool(values[-1] > _RANK * values[0])
