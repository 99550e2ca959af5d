"""An extension of Griffe: its parser of docstrings gets what it expects."""

from __future__ import annotations

import re
from typing import Any

import griffe

SECTION = re.compile(r"(?<!\n)\n(?=[A-Z][a-z]+( [a-z]+)?:\n    )")
# A section of this name is a box of text; "Examples" are sessions, with their lines and colours.
EXAMPLE = re.compile(r"^Example:$", re.MULTILINE)
# What a layer is called with, and what the call returns: boxes, the first with a list.
ARGUMENTS = re.compile(r"(?<=^Call arguments:\n)(?: {4}.*\n?)+", re.MULTILINE)
ARGUMENT = re.compile(r"^ {4}(\w+): ", re.MULTILINE)
RESULT = re.compile(r"^Returns:$", re.MULTILINE)
# Arguments that share a description, on several lines.
NAMES = re.compile(r"^ {4}\w+(?:,\s+\w+)+: ", re.MULTILINE)
# Markdown would begin a quotation.
LARGER = re.compile(r"^( +)>(?=[ =])", re.MULTILINE)


class Docstrings(griffe.Extension):
    """Sections begin after a blank line; the comments after the fields of a tuple are a section."""

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        if obj.docstring is not None:
            separate = SECTION.sub("\n\n", obj.docstring.value)
            sessions = EXAMPLE.sub("Examples:", separate)
            named = NAMES.sub(lambda names: f"    {' '.join(names[0].split())} ", sessions)
            obj.docstring.value = LARGER.sub(r"\1\\>", named)

    def on_class(self, *, cls: griffe.Class, **kwargs: Any) -> None:
        fields = {name: comment_of(each) for name, each in cls.attributes.items()}
        listed = [f"    {n}: {text}" for n, text in fields.items() if text and n[0] != "_"]
        if cls.docstring is None:
            return
        called = ARGUMENTS.sub(
            lambda box: ARGUMENT.sub(r"    - `\1`: ", box[0]), cls.docstring.value
        )
        cls.docstring.value = RESULT.sub("Call result:", called)
        if listed:
            cls.docstring.value += "\n\nAttributes:\n" + "\n".join(listed)


def comment_of(attribute: griffe.Attribute) -> str:
    """The comment on the line of an attribute."""
    if not attribute.lineno:
        return ""
    line = attribute.filepath.read_text().splitlines()[attribute.lineno - 1]
    return line.partition("  # ")[2]
