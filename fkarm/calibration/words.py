"""Why parameters act alike, in words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fkarm.calibration.measurements import Distance, Plane, SamePoint
from fkarm.calibration.parameters import Parameter
from fkarm.calibration.problem import Problem, State
from fkarm.calibration.rigid import Array, rigid

_PARALLEL = 1e-6


def explain(problem: Problem, state: State, members: Sequence[int]) -> str:
    """What a set of parameters has in common, for a report.

    Args:
        problem: The problem.
        state: Where its derivatives were taken.
        members: Indices of the parameters: one that has no effect, or several that act alike.
    """
    entries = [problem.parameters.entries[k] for k in members]
    listed = _listed(entries)
    if len(entries) == 1:
        return f"{listed}: {_why_none(problem, entries[0])}"
    return f"{listed} act alike: {_why_alike(problem, state, entries)}"


def _why_none(problem: Problem, entry: Parameter) -> str:
    path = [joint.name for joint in problem.chain.path]
    if entry.owner not in (*path, "base", "point", "tool"):
        return f"{entry.owner} does not move {problem.link}"
    if any(unknown.kind in ("sensor", "point", "plane") for unknown in problem.unknowns):
        return "the measurements stay the same, since where they were taken is unknown itself"
    return "the measurements do not depend on it"


def _why_alike(problem: Problem, state: State, entries: list[Parameter]) -> str:
    owners = list(dict.fromkeys(entry.owner for entry in entries))
    path = [joint.name for joint in problem.chain.path]
    moving = [joint.name for joint in problem.chain.path if not joint.is_fixed]
    ends = {"base": -1, "point": len(path), "tool": len(path)}
    order = {**ends, **{name: k for k, name in enumerate(path)}}
    owners.sort(key=lambda owner: order.get(owner, 0))
    own = [name for name in owners if name in moving]
    if len(owners) == 1:
        return f"only one combination of them moves {problem.link} where it was measured"
    if _is_scale(problem, entries):
        return "they scale the whole arm, and no length was measured: give a Distance"
    between = [n for n in moving if order[owners[0]] <= order[n] < order[owners[-1]]]
    if not between:
        return "no joint moves between them"
    is_one_kind = len({entry.entry for entry in entries}) == 1
    if len(own) > 1 and (is_one_kind or len(between) > 1) and _are_parallel(problem, state, own):
        return "their axes are parallel"
    if len(between) == 1:
        return f"along or about the axis of {between[0]}, a shift before its motion or behind it"
    return "only some of their combinations can be told from these measurements"


def _is_scale(problem: Problem, entries: list[Parameter]) -> bool:
    is_relative = all(isinstance(m, (SamePoint, Plane)) for m in problem.measurements)
    has_length = any(isinstance(m, Distance) for m in problem.measurements)
    owners = {entry.owner for entry in entries}
    lengths = all(not entry.is_angle and not entry.is_ratio for entry in entries)
    return is_relative and not has_length and lengths and len(owners) > 2


def _are_parallel(problem: Problem, state: State, owners: list[str]) -> bool:
    """Whether the axes of joints are parallel when all joints are at zero."""
    axes = joint_axes(problem, state)
    return bool(
        all(np.linalg.norm(np.cross(axes[owners[0]], axes[owner])) < _PARALLEL for owner in owners)
    )


def joint_axes(problem: Problem, state: State) -> dict[str, Array]:
    """Directions of the joints' axes in the root frame, with all joints at zero. Shape `(3,)`."""
    layout = problem.parameters.layout
    changes = layout.split(problem.parameters.vector(state.x))[0]
    rotation, axes = rigid(changes[0])[:3, :3], {}
    for joint in problem.chain.path:
        for place in ("before", "after"):
            if place == "after":
                rotation = rotation @ joint.origin[:3, :3]
            rotation = rotation @ rigid(changes[layout.slot(place, joint.name)])[:3, :3]
        axes[joint.name] = rotation @ np.array(joint.axis)
    return axes


def _listed(entries: list[Parameter]) -> str:
    """`"z of a and b, rx of c"`: names, joined where the entry is the same."""
    by_entry: dict[str, list[str]] = {}
    for entry in entries:
        by_entry.setdefault(entry.entry, []).append(entry.owner)
    parts = []
    for kind, owners in by_entry.items():
        names = owners[0] if len(owners) == 1 else f"{', '.join(owners[:-1])} and {owners[-1]}"
        parts.append(f"{kind} of {names}")
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
