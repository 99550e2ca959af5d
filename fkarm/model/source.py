"""What a description is read from: a path, text, bytes or an open file, as decoded XML text.

expat knows four encodings and, through Python, those with one byte per character; MuJoCo knows
UTF-8. Python knows the others, so bytes are decoded here, in the encoding that they state.
"""

from __future__ import annotations

import codecs
import contextlib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.parsers import expat

from fkarm.errors import MissingFileError, RobotError

# Bytes before the declaration can be read: marks, and "<" in two and four bytes.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (b"<\0\0\0", "utf-32-le"),
    (b"\0\0\0<", "utf-32-be"),
    (b"<\0", "utf-16-le"),
    (b"\0<", "utf-16-be"),
)
_DECLARED = re.compile(rb"\s*<\?xml\s[ -=?-~\s]*?\bencoding\s*=\s*[\"']([\w.:-]+)[\"']")
_PROLOG = re.compile(r"([\ufeff \t\r\n]*)(<\?xml[ \t\r\n].*?\?>)?", re.DOTALL)
ZIP = b"PK\x03\x04"
_OPENERS = {
    b"\x1f\x8b": "gzip.open(path)",
    b"BZh": "bz2.open(path)",
    b"\xfd7zXZ": "lzma.open(path)",
    ZIP: "zipfile.ZipFile(path).open(name)",
}


@dataclass(frozen=True)
class Source:
    """A description as it was given.

    Args:
        label: What messages call it.
        data: Its text or its bytes.
        path: The file, where it was given by its path.
        error: The error of its reader.
    """

    label: str
    data: str | bytes
    path: Path | None
    error: type[RobotError]

    def text(self) -> str:
        """The text with its declaration first, on the line where the text begins.

        Raises:
            RobotError: The reader's, if the bytes are compressed or not in the encoding that
                they state.
        """
        text = self.data if isinstance(self.data, str) else self._decoded(self.data)
        prolog = _PROLOG.match(text)
        if prolog is None:
            return text
        # Nothing may stand before the declaration; blank lines after it leave line numbers as is.
        blank = prolog[1].replace("\ufeff", "")
        return f"{prolog[2] or ''}{blank}{text[prolog.end() :]}"

    def is_utf8(self) -> bool:
        """Whether the text is the same read as UTF-8, whatever it declares."""
        if isinstance(self.data, str):
            return True
        return self.data.decode("utf-8-sig", "replace") == self._decoded(self.data)

    def _decoded(self, data: bytes) -> str:
        for start, opener in _OPENERS.items():
            if data.startswith(start):
                raise self.error(
                    f"{self.label}: the text must not be compressed. Received: compressed bytes. "
                    f"Give the open file: {opener}."
                )
        encoding, stated, declaration = _encoding(data)
        try:
            text = data.decode(encoding)
        except (LookupError, ValueError) as error:
            problem = str(error)
        else:
            if text.startswith(declaration):
                return text
            problem = "a declaration in another"
        raise self.error(
            f"{self.label}: the text must be in the encoding {stated}, {encoding!r}. Received: "
            f"{problem}. Save it as UTF-8, or give the text: open(path, encoding=...).read()."
        )


def open_source(source: Any, kind: str, error: type[RobotError]) -> Source:
    """A description from what a user gives; its file is read.

    Args:
        source: Path, XML text or bytes, or an open file.
        kind: Name of the format, for messages.
        error: What is raised where the source is none of these, or cannot be read.
    Raises:
        MissingFileError: If there is no file at the path.
    """
    if isinstance(source, bytes) or _is_text(source):
        return Source(f"{kind} text", source, None, error)
    if not hasattr(source, "read") and not (
        isinstance(source, (str, os.PathLike)) and os.fspath(source)
    ):
        raise error(f"source must be a path, XML text or an open file. Received: {source!r}.")
    path = None if hasattr(source, "read") else Path(source)
    label = str(getattr(source, "name", f"{kind} file") if path is None else path)
    try:
        data = source.read() if path is None else path.read_bytes()
    except FileNotFoundError as problem:
        raise MissingFileError(
            f"The {kind} file must exist. Received: {label!r}, and the folder "
            f"{str(Path(label).absolute().parent)!r} has no such file."
        ) from problem
    except (OSError, ValueError, EOFError) as problem:
        raise error(f"{label}: the file must be readable. Received: {problem}.") from problem
    if not isinstance(data, (str, bytes)):
        raise error(f"{label}: read() must give text or bytes. Received: {type(data)}.")
    return Source(label, data, path, error)


def outermost_tag(text: str) -> str:
    """Tag of the outermost element; empty where the text has none that can be read."""
    tags: list[str] = []
    parser = expat.ParserCreate("utf-8")
    parser.StartElementHandler = lambda tag, _: tags.append(tag)
    with contextlib.suppress(expat.ExpatError, ValueError):  # the reader says what is wrong
        parser.Parse(text, True)
    return tags[0] if tags else ""


def _is_text(source: Any) -> bool:
    # A path may hold "<" as well.
    return isinstance(source, str) and "<" in source and not os.path.exists(source)


def _encoding(data: bytes) -> tuple[str, str, str]:
    """The encoding that bytes state, how they do, and what was read for it."""
    for start, encoding in _MARKS:
        if data.startswith(start):
            return encoding, "its first bytes show", ""
    declared = _DECLARED.match(data)
    if declared:
        return declared[1].decode("ascii"), "it declares", declared[0].decode("ascii")
    return "utf-8", "of a text that declares none", ""
