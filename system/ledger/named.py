"""Reads files of named SQL: `-- name: NAME`, a comment that says what it does, one statement. The format of aiosql.

Parameters stay as psycopg has them, `%(name)s`; a line `-- name:` with more than a name is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from system.contract.errors import SettingsError

_HEAD = re.compile(r"--\s*name\s*:\s*(?P<name>.*?)\s*$")
_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Named:
    """One statement: where its name stands, and its text with the comment on top."""

    name: str
    file: Path
    line: int
    text: str

    @property
    def place(self) -> str:
        """`file:line`."""
        return f"{self.file}:{self.line}"


def read(files: Iterable[Path]) -> dict[str, Named]:
    """Every statement of the files, by name. Raises SettingsError: file, line, what is wrong, what was expected."""
    found: dict[str, Named] = {}
    for file in files:
        for one in _of_file(file):
            if one.name in found:
                there = found[one.name].place
                raise SettingsError(f"{one.place}: {one.name} stands in {there} already; expected a name of its own")
            found[one.name] = one
    return found


def sql_of(file: Path) -> str:
    """The text of a file. Raises SettingsError for one that cannot be read: file, line, why."""
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as exc:
        line = 1 + exc.object[: exc.start].count(b"\n")
        raise SettingsError(f"{file}:{line}: this is no UTF-8; expected a text of SQL") from exc
    except OSError as exc:
        raise SettingsError(f"{file}:1: it cannot be read: {exc.strerror}; expected a text of SQL") from exc


def _of_file(file: Path) -> list[Named]:
    lines = sql_of(file).splitlines()
    heads = [k for k, line in enumerate(lines) if _HEAD.match(line)]
    before = lines[: heads[0]] if heads else lines
    for k, line in enumerate(before, 1):
        if line.strip():
            raise SettingsError(f"{file}:{k}: SQL before any name; expected `-- name: NAME` above it")
    return [_named(file, k, lines[k:end]) for k, end in zip(heads, [*heads[1:], len(lines)], strict=True)]


def _named(file: Path, k: int, lines: list[str]) -> Named:
    head = _HEAD.match(lines[0])
    name = head["name"] if head else ""
    text = "\n".join(lines[1:]).strip("\n") + "\n"
    body_lines = text.splitlines()
    if not _NAME.fullmatch(name):
        raise SettingsError(f"{file}:{k + 1}: the name {name!r}; expected small letters, digits and _")
    if not body_lines[0].startswith("--"):
        raise SettingsError(f"{file}:{k + 1}: {name} has no comment; expected a line that says what it does")
    if all(not line.strip() or line.startswith("--") for line in body_lines):
        raise SettingsError(f"{file}:{k + 1}: {name} has no SQL; expected one statement")
    return Named(name, file, k + 1, text)
