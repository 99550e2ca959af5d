"""URDF text to joints. Strict: what cannot be modelled exactly is refused, with file and line.

It reads with expat directly: many files use unbound prefixes (`<sensor:ray/>`), which
namespace-aware parsers refuse. A DOCTYPE, by which entity attacks come in, is refused unread.
"""

from __future__ import annotations

import difflib
import math
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, Any
from xml.parsers import expat

from fkarm.errors import RobotError, URDFError
from fkarm.model.joint import Joint, Mimic
from fkarm.model.macros import expanded
from fkarm.model.source import Source, open_source

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\Z")
_INFINITE = re.compile(r"\s*[+-]?inf(inity)?\s*\Z", re.IGNORECASE)
# robot / joint / origin: nothing deeper has a meaning for kinematics.
_DEPTH = 3
# The children that are read of each element of a robot; the report lists the others as ignored.
_KNOWN = {
    "fkarm": frozenset[str](),
    "link": frozenset[str](),
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


@dataclass
class _Element:
    tag: str
    attributes: dict[str, str]
    line: int
    children: list[_Element] = field(default_factory=list)

    def named(self, tag: str) -> Iterator[_Element]:
        return (child for child in self.children if child.tag == tag)


class _Location:
    """File, line and name of an element: the prefix of its messages."""

    def __init__(self, label: str, element: _Element) -> None:
        name = element.attributes.get("name")
        named = f" {name!r}" if name else ""
        self.text = f"{label}, line {element.line}, <{element.tag}>{named}"

    def error(self, message: str) -> URDFError:
        return URDFError(f"{self.text}: {message}")


def read_urdf(
    source: str | os.PathLike[str] | bytes | IO[Any],
) -> tuple[str, dict[str, Any]]:
    """A label for messages, and the arguments that make the `Robot`.

    Raises:
        MissingFileError: If `source` is a path to nothing.
        URDFError: If the text is not a URDF that can be modelled exactly.
    """
    label, robot, is_expanded = read_elements(source)
    links = tuple(_required(_Location(label, link), link, "name") for link in robot.named("link"))
    if not links:
        hint = " Does the file only define macros, for another one to call?" if is_expanded else ""
        raise _Location(label, robot).error(
            f"a robot must have at least one <link>. Received: none.{hint}"
        )
    known = frozenset(links)
    notes = _Notes(robot)
    joints = tuple(_read_joint(label, joint, known, notes) for joint in robot.named("joint"))
    own = _only(_Location(label, robot), robot, "fkarm")  # written by to_urdf
    return label, {
        "joints": joints,
        "link_names": links,
        "name": robot.attributes.get("name") or "robot",
        "end_effector": own.attributes.get("end_effector", "") if own else "",
        "notes": notes.lines(),
    }


def read_elements(
    source: str | os.PathLike[str] | bytes | IO[Any], depth: int = _DEPTH
) -> tuple[str, _Element, bool]:
    """A label, the `<robot>` with the elements up to a depth, and whether macros were expanded.

    Raises:
        MissingFileError: If `source` is a path to nothing.
        URDFError: If the text is not well-formed or no URDF, or its macros cannot be expanded.
    """
    given = open_source(source, "URDF", URDFError)
    robot = _outermost(given, depth)
    macro = _first_macro(robot)
    if macro is not None:
        given = expanded(given, _Location(given.label, macro).text)
        robot = _outermost(given, depth)
    return given.label, robot, macro is not None


def _outermost(given: Source, depth: int) -> _Element:
    label = given.label
    robot = _parse(given.text(), label, depth)
    if robot.tag != "robot":
        raise _Location(label, robot).error(
            f"the outermost element must be <robot>. Received: <{robot.tag}>."
            + (" Use from_mjcf." if robot.tag == "mujoco" else "")
        )
    return robot


def _parse(text: str, label: str, depth: int) -> _Element:
    if not text.strip():
        raise URDFError(f"{label}: the text must be well-formed XML. Received: nothing.")
    # Text is decoded already: what its XML declaration says of the encoding no longer holds.
    parser = expat.ParserCreate("utf-8")
    outermost = _Element("", {}, 0)
    open_elements = [outermost]
    level = 0

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal level
        level += 1
        if level <= depth:
            element = _Element(tag, attributes, parser.CurrentLineNumber)
            open_elements[-1].children.append(element)
            open_elements.append(element)

    def end(_: str) -> None:
        nonlocal level
        if level <= depth:
            open_elements.pop()
        level -= 1

    def refuse_doctype(*_: Any) -> None:
        raise URDFError(
            f"{label}, line {parser.CurrentLineNumber}: a URDF must not have a document type; "
            "entities are not read. Received: <!DOCTYPE>. Remove it."
        )

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.StartDoctypeDeclHandler = refuse_doctype
    try:
        parser.Parse(text, True)
    except (expat.ExpatError, UnicodeEncodeError) as error:  # half a surrogate pair is no text
        raise URDFError(f"{label}: the text must be well-formed XML. Received: {error}.") from error
    return outermost.children[0]


def _first_macro(robot: _Element) -> _Element | None:
    for element in (robot, *robot.children):
        own = [element, *element.children] if element.tag in ("link", "joint") else [element]
        values = [value for e in own for value in e.attributes.values()]
        has_value = any("${" in value or "$(" in value for value in values)
        is_read = element.tag in ("robot", "link", "joint")
        if any(e.tag.startswith("xacro:") for e in own) or (is_read and has_value):
            return element
    return None


class _Notes:
    """What the reader assumed, ignored and found odd, for the report."""

    def __init__(self, robot: _Element) -> None:
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


def _read_joint(label: str, element: _Element, links: frozenset[str], notes: _Notes) -> Joint:
    location = _Location(label, element)
    name = _required(location, element, "name")
    kind = _required(location, element, "type")
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
    origin = _only(location, element, "origin")
    axis = _only(location, element, "axis")
    values: dict[str, Any] = {
        "parent": _link_of(location, element, "parent", links),
        "child": _link_of(location, element, "child", links),
        "xyz": _numbers(location, origin, "xyz", (0.0, 0.0, 0.0)),
        "rpy": _numbers(location, origin, "rpy", (0.0, 0.0, 0.0)),
    }
    limit = _only(location, element, "limit")
    stated = _stated_limits(limit)
    if kind not in ("fixed", "floating"):
        values["axis"] = _numbers(location, axis, "xyz", (1.0, 0.0, 0.0))
        if axis is None or "xyz" not in axis.attributes:
            notes.add("assumed", "no <axis>: it is x", name)
        elif abs(math.hypot(*values["axis"]) - 1.0) > _UNIT_AXIS:
            notes.add("odd", "<axis> is not of unit length; normalised", name)
    if kind != "fixed":
        values["mimic"] = _mimic(location, _only(location, element, "mimic"))
    if kind in ("revolute", "prismatic"):
        values["lower"], values["upper"] = _limits(location, limit)
        if values["mimic"] is not None:
            if any(map(math.isfinite, (values["lower"], values["upper"]))):
                notes.add("assumed", "limits of a joint that mimics bind nothing", name)
        elif not stated:
            notes.add("assumed", "no limits given: unlimited", name)
        elif len(stated) == 1:
            notes.add("assumed", f"only the {min(stated)} limit given: the other is 0", name)
    elif any(not _INFINITE.match(text) for text in stated.values()):
        notes.add("odd", f"limits of a {kind} joint do not bind; ignored", name)
    try:
        return Joint(name, kind, **values)
    except RobotError as error:
        raise location.error(str(error)) from error


def _required(location: _Location, element: _Element, attribute: str) -> str:
    value = element.attributes.get(attribute)
    if not value:
        raise location.error(
            f"<{element.tag}> must have the attribute {attribute!r}. Received: none."
        )
    return value


def _only(location: _Location, element: _Element, tag: str) -> _Element | None:
    children = list(element.named(tag))
    if len(children) > 1:
        raise location.error(f"at most one <{tag}> may stand here. Received: {len(children)}.")
    return children[0] if children else None


def _link_of(location: _Location, joint: _Element, role: str, links: frozenset[str]) -> str:
    element = _only(location, joint, role)
    if element is None:
        raise location.error(f"a joint must have a <{role} link=...>. Received: none.")
    link = _required(location, element, "link")
    if link not in links:
        raise location.error(f"{role} must be a <link> of this file. Received: {link!r}.")
    return link


def _numbers(
    location: _Location, element: _Element | None, attribute: str, default: tuple[float, ...]
) -> tuple[float, ...]:
    if element is None or attribute not in element.attributes:
        return default
    text = element.attributes[attribute]
    words = text.split()
    numbers = [float(word) if _NUMBER.match(word) else math.nan for word in words]
    if len(words) != len(default) or not all(map(math.isfinite, numbers)):
        wanted = "a finite number" if len(default) == 1 else f"{len(default)} finite numbers"
        raise location.error(
            f"<{element.tag} {attribute}=...> must be {wanted}. Received: {text[:80]!r}."
        )
    return tuple(numbers)


def _number(location: _Location, element: _Element, attribute: str, default: float) -> float:
    return _numbers(location, element, attribute, (default,))[0]


def _stated_limits(element: _Element | None) -> dict[str, str]:
    attributes = element.attributes if element else {}
    return {side: attributes[side] for side in ("lower", "upper") if side in attributes}


def _limits(location: _Location, element: _Element | None) -> tuple[float, float]:
    """Bounds of a `<limit>`: infinite if it states none; 0, as the format says, for a missing one.

    A stated infinity means no limit; on the wrong side `Joint` refuses it.
    """
    stated = _stated_limits(element)
    if element is None or not stated:
        return -math.inf, math.inf
    lower, upper = (
        float(stated[side])
        if _INFINITE.match(stated.get(side, ""))
        else _number(location, element, side, 0.0)
        for side in ("lower", "upper")
    )
    return lower, upper


def _mimic(location: _Location, element: _Element | None) -> Mimic | None:
    if element is None:
        return None
    return Mimic(
        _required(location, element, "joint"),
        _number(location, element, "multiplier", 1.0),
        _number(location, element, "offset", 0.0),
    )
