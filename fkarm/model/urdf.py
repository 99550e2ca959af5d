"""URDF text to joints. Strict: what cannot be modelled exactly is refused, with file and line."""

from __future__ import annotations

import difflib
import math
import os
from pathlib import Path
from typing import IO, Any

from fkarm.errors import RobotError
from fkarm.model.elements import (
    INFINITE,
    Element,
    Location,
    number,
    numbers,
    only,
    read_elements,
    required,
)
from fkarm.model.joint import Joint, Mimic
from fkarm.model.urdf_solids import Solids, read_exclusions

# The children that are read of each element of a robot; the report lists the others as ignored.
_KNOWN = {
    "fkarm": frozenset({"disable_collisions"}),
    "link": frozenset({"collision", "inertial"}),
    "joint": frozenset({"parent", "child", "origin", "axis", "limit", "mimic"}),
}
# Attributes that say where a joint is and how it moves. Another one is a typing error, or has a
# meaning that is not modelled.
_ATTRIBUTES = {
    "origin": {"xyz", "rpy"},
    "axis": {"xyz"},
    "limit": {"lower", "upper", "effort", "velocity", "acceleration", "deceleration", "jerk"},
    "mimic": {"joint", "multiplier", "offset"},
}
_UNIT_AXIS = 1e-6
_TYPES = ("revolute", "continuous", "prismatic", "planar", "floating", "fixed")


def read_urdf(
    source: str | os.PathLike[str] | bytes | IO[Any], mesh_spheres: int | None = None
) -> tuple[str, dict[str, Any]]:
    """A label for messages, and the arguments that make the `Robot`.

    Raises:
        MissingFileError: If `source` is a path to nothing, or a mesh is to be read and missing.
        URDFError: If the text is not a URDF that can be modelled exactly.
    """
    label, robot, is_expanded = read_elements(source)
    links = tuple(required(Location(label, link), link, "name") for link in robot.named("link"))
    if not links:
        hint = " Does the file only define macros, for another one to call?" if is_expanded else ""
        raise Location(label, robot).error(
            f"a robot must have at least one <link>. Received: none.{hint}"
        )
    known = frozenset(links)
    notes = _Notes(robot)
    joints = tuple(_read_joint(label, joint, known, notes) for joint in robot.named("joint"))
    folder = None
    if isinstance(source, (str, os.PathLike)) and os.path.exists(source):
        folder = Path(source).parent
    solids = Solids(label, robot, mesh_spheres, folder)
    own = only(Location(label, robot), robot, "fkarm")  # written by to_urdf
    return label, {
        "joints": joints,
        "link_names": links,
        "name": robot.attributes.get("name") or "robot",
        "end_effector": own.attributes.get("end_effector", "") if own else "",
        "notes": _merged(notes.lines(), solids.notes()),
        "bodies": solids.bodies,
        "masses": solids.masses,
        "exclusions": read_exclusions(label, own),
    }


class _Notes:
    """What the reader assumed, ignored and found odd, for the report."""

    def __init__(self, robot: Element) -> None:
        self._joints: dict[tuple[str, str], list[str]] = {}
        ignored: dict[str, int] = {}
        for element in robot.children:
            known = _KNOWN.get(element.tag)
            unread = (
                [f"<{element.tag}>"]
                if known is None
                else [
                    f"<{child.tag}> in <{element.tag}>"
                    for child in element.children
                    if child.tag not in known
                ]
            )
            for tag in unread:
                ignored[tag] = ignored.get(tag, 0) + 1
        self._ignored = tuple(f"{tag}: {count}" for tag, count in ignored.items())

    def add(self, kind: str, text: str, joint: str) -> None:
        self._joints.setdefault((kind, text), []).append(joint)

    def lines(self) -> dict[str, tuple[str, ...]]:
        lines: dict[str, list[str]] = {"assumed": [], "odd": []}
        for (kind, text), joints in self._joints.items():
            lines[kind].append(f"{text}: {', '.join(joints)}")
        return {"ignored": self._ignored, **{kind: tuple(notes) for kind, notes in lines.items()}}


def _merged(*notes: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    kinds = dict.fromkeys(kind for lines in notes for kind in lines)
    return {kind: tuple(x for lines in notes for x in lines.get(kind, ())) for kind in kinds}


def _read_joint(label: str, element: Element, links: frozenset[str], notes: _Notes) -> Joint:
    location = Location(label, element)
    name = required(location, element, "name")
    kind = required(location, element, "type")
    if kind not in _TYPES:
        raise location.error(f"joint type must be one of {', '.join(_TYPES)}. Received: {kind!r}.")
    for child in element.children:
        unknown = sorted(set(child.attributes) - _ATTRIBUTES.get(child.tag, set(child.attributes)))
        if unknown and child.tag == "limit":
            notes.add("odd", f"<limit> has an attribute {unknown[0]!r}, which is ignored", name)
        elif unknown:
            raise location.error(
                f"<{child.tag}> takes {', '.join(sorted(_ATTRIBUTES[child.tag]))}. "
                f"Received: {', '.join(unknown)}."
            )
        near = difflib.get_close_matches(child.tag, _KNOWN["joint"], n=1, cutoff=0.7)
        if near and child.tag not in _KNOWN["joint"]:
            notes.add("odd", f"<{child.tag}> is ignored; is it meant to be <{near[0]}>?", name)
    origin = only(location, element, "origin")
    axis = only(location, element, "axis")
    values: dict[str, Any] = {
        "parent": _link_of(location, element, "parent", links),
        "child": _link_of(location, element, "child", links),
        "xyz": numbers(location, origin, "xyz", (0.0, 0.0, 0.0)),
        "rpy": numbers(location, origin, "rpy", (0.0, 0.0, 0.0)),
    }
    limit = only(location, element, "limit")
    stated = _stated_limits(limit)
    if kind not in ("fixed", "floating"):
        values["axis"] = numbers(location, axis, "xyz", (1.0, 0.0, 0.0))
        if axis is None or "xyz" not in axis.attributes:
            notes.add("assumed", "no <axis>: it is x", name)
        elif abs(math.hypot(*values["axis"]) - 1.0) > _UNIT_AXIS:
            notes.add("odd", "<axis> is not of unit length; normalised", name)
    if kind != "fixed":
        values["mimic"] = _mimic(location, only(location, element, "mimic"))
    if kind in ("revolute", "prismatic"):
        values["lower"], values["upper"] = _limits(location, limit)
        if values["mimic"] is not None:
            if any(map(math.isfinite, (values["lower"], values["upper"]))):
                notes.add("assumed", "limits of a joint that mimics bind nothing", name)
        elif not stated:
            notes.add("assumed", "no limits given: unlimited", name)
        elif len(stated) == 1:
            notes.add("assumed", f"only the {min(stated)} limit given: the other is 0", name)
    elif any(not INFINITE.match(text) for text in stated.values()):
        notes.add("odd", f"limits of a {kind} joint do not bind; ignored", name)
    velocity = _velocity(location, limit)
    if kind in ("planar", "floating") and math.isfinite(velocity):
        notes.add("odd", f"velocity limits of a {kind} joint do not bind; ignored", name)
    elif kind != "fixed":
        values["velocity"] = velocity or math.inf
        if velocity == 0:
            notes.add("assumed", 'velocity="0" in <limit>: no velocity limit', name)
    try:
        return Joint(name, kind, **values)
    except RobotError as error:
        raise location.error(str(error)) from error


def _link_of(location: Location, joint: Element, role: str, links: frozenset[str]) -> str:
    element = only(location, joint, role)
    if element is None:
        raise location.error(f"a joint must have a <{role} link=...>. Received: none.")
    link = required(location, element, "link")
    if link not in links:
        raise location.error(f"{role} must be a <link> of this file. Received: {link!r}.")
    return link


def _stated_limits(element: Element | None) -> dict[str, str]:
    attributes = element.attributes if element else {}
    return {side: attributes[side] for side in ("lower", "upper") if side in attributes}


def _limits(location: Location, element: Element | None) -> tuple[float, float]:
    """Bounds of a `<limit>`: infinite if it states none; 0, as the format says, for a missing one.

    A stated infinity means no limit; on the wrong side `Joint` refuses it.
    """
    stated = _stated_limits(element)
    if element is None or not stated:
        return -math.inf, math.inf
    lower, upper = (
        float(stated[side])
        if INFINITE.match(stated.get(side, ""))
        else number(location, element, side, 0.0)
        for side in ("lower", "upper")
    )
    return lower, upper


def _velocity(location: Location, element: Element | None) -> float:
    text = element.attributes.get("velocity", "inf") if element else "inf"
    if element is None or INFINITE.match(text):
        return float(text)
    return number(location, element, "velocity", 0.0)


def _mimic(location: Location, element: Element | None) -> Mimic | None:
    if element is None:
        return None
    return Mimic(
        required(location, element, "joint"),
        number(location, element, "multiplier", 1.0),
        number(location, element, "offset", 0.0),
    )
