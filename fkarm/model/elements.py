"""XML elements of a description with the lines they stand in; the messages that name them.

It reads with expat directly: many files use unbound prefixes (`<sensor:ray/>`), which
namespace-aware parsers refuse. A DOCTYPE, by which entity attacks come in, is refused unread.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, Any
from xml.parsers import expat

from fkarm.errors import URDFError
from fkarm.model.macros import expanded
from fkarm.model.source import Source, open_source

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\Z")
INFINITE = re.compile(r"\s*[+-]?inf(inity)?\s*\Z", re.IGNORECASE)
# robot / link / collision / geometry / box: no deeper element is read.
_DEPTH = 5


@dataclass
class Element:
    """An element, and the line it begins on."""

    tag: str
    attributes: dict[str, str]
    line: int
    children: list[Element] = field(default_factory=list)

    def named(self, tag: str) -> Iterator[Element]:
        """The children with a tag."""
        return (child for child in self.children if child.tag == tag)


class Location:
    """File, line and name of an element: the prefix of its messages."""

    def __init__(self, label: str, element: Element) -> None:
        name = element.attributes.get("name")
        named = f" {name!r}" if name else ""
        self.text = f"{label}, line {element.line}, <{element.tag}>{named}"

    def error(self, message: str) -> URDFError:
        """The error with a message about the element."""
        return URDFError(f"{self.text}: {message}")


def read_elements(
    source: str | os.PathLike[str] | bytes | IO[Any], kind: str = "URDF"
) -> tuple[str, Element, bool]:
    """A label, the `<robot>` with its elements, and whether macros were expanded.

    Raises:
        MissingFileError: If `source` is a path to nothing.
        URDFError: If the text is not well-formed or no URDF, or its macros cannot be expanded.
    """
    given = open_source(source, kind, URDFError)
    robot = _outermost(given)
    macro = _first_macro(robot)
    if macro is not None:
        given = expanded(given, Location(given.label, macro).text)
        robot = _outermost(given)
    return given.label, robot, macro is not None


def _outermost(given: Source) -> Element:
    label = given.label
    robot = _parse(given.text(), label)
    if robot.tag != "robot":
        raise Location(label, robot).error(
            f"the outermost element must be <robot>. Received: <{robot.tag}>."
            + (" Use from_mjcf." if robot.tag == "mujoco" else "")
        )
    return robot


def _parse(text: str, label: str) -> Element:
    if not text.strip():
        raise URDFError(f"{label}: the text must be well-formed XML. Received: nothing.")
    # Text is decoded already: what its XML declaration says of the encoding no longer holds.
    parser = expat.ParserCreate("utf-8")
    outermost = Element("", {}, 0)
    open_elements = [outermost]
    level = 0

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal level
        level += 1
        if level <= _DEPTH:
            element = Element(tag, attributes, parser.CurrentLineNumber)
            open_elements[-1].children.append(element)
            open_elements.append(element)

    def end(_: str) -> None:
        nonlocal level
        if level <= _DEPTH:
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


def _first_macro(robot: Element) -> Element | None:
    for element in (robot, *robot.children):
        own = list(_read_below(element))
        values = [value for e in own for value in e.attributes.values()]
        has_value = any("${" in value or "$(" in value for value in values)
        is_read = element.tag in ("robot", "link", "joint")
        if any(e.tag.startswith("xacro:") for e in own) or (is_read and has_value):
            return element
    return None


def _read_below(element: Element) -> Iterator[Element]:
    """An element of a robot and those below it that may be read. A mesh need not be at hand."""
    yield element
    if element.tag in ("link", "joint", "collision", "inertial", "geometry"):
        for child in element.children:
            if child.tag not in ("visual", "mesh"):
                yield from _read_below(child)


def required(location: Location, element: Element, attribute: str) -> str:
    """The text of an attribute; URDFError if it is missing or empty."""
    value = element.attributes.get(attribute)
    if not value:
        raise location.error(
            f"<{element.tag}> must have the attribute {attribute!r}. Received: none."
        )
    return value


def only(location: Location, element: Element, tag: str) -> Element | None:
    """The child with a tag, if there is one; URDFError if there are several."""
    children = list(element.named(tag))
    if len(children) > 1:
        raise location.error(f"at most one <{tag}> may stand here. Received: {len(children)}.")
    return children[0] if children else None


def numbers(
    location: Location, element: Element | None, attribute: str, default: tuple[float, ...]
) -> tuple[float, ...]:
    """The finite numbers of an attribute, as many as in the default; URDFError if it has others."""
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


def number(location: Location, element: Element, attribute: str, default: float) -> float:
    """The finite number of an attribute."""
    return numbers(location, element, attribute, (default,))[0]
