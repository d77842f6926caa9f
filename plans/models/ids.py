"""Files by the id in them: which files claim an id, which file a name means. One id in two files of a folder is
refused.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from plans.models.errors import PlanError, Problem, closest

_CLAIM = re.compile(r"^(kind|id):[ \t]*['\"]?([^\s'\"#]+)", re.MULTILINE)
_KEY = re.compile(r"^['\"]?([A-Za-z_]+)['\"]?[ \t]*:", re.MULTILINE)
SUFFIXES = (".yaml", ".yml")
LONGEST_NAME = 255
"""Most bytes of a file's name, and of a path that one plan file gives another."""
LARGEST = 1 << 20
"""Most bytes of a file; no file of the project comes near."""


def claimed(file: Path) -> tuple[str, str]:
    """The kind and the id that a file claims, whatever else is wrong with it; empty where it says none."""
    found: dict[str, str] = dict(reversed(_CLAIM.findall(_text_of(file))))
    return found.get("kind", ""), found.get("id", "")


def claimed_keys(file: Path) -> set[str]:
    """The keys of the whole file, whatever else is wrong with it."""
    return set(_KEY.findall(_text_of(file)))


def _text_of(file: Path) -> str:
    """What stands in it; nothing where it cannot be read, or is too large."""
    try:
        if not file.is_file() or file.stat().st_size > LARGEST:
            return ""
        return file.read_bytes().decode("utf-8-sig", "replace")
    except OSError:
        return ""


def twins(file: str, line: int, kind: str, ident: str) -> list[Problem]:
    """The other files of its folder that claim the id of `file`, reported at `line`: the id could mean any of them."""
    path = Path(file)
    try:
        near = sorted(each for each in path.parent.iterdir() if each.suffix in SUFFIXES)
    except OSError:
        return []
    return [
        Problem(file, line, f"`id`: {ident} stands in {other} too", "each id in one file")
        for other in near
        if claimed(other) == (kind, ident) and not _same(other, path)
    ]


def _same(one: Path, other: Path) -> bool:
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False


def look_up(name: str, files: Sequence[Path], what: str) -> Path:
    """The file that is meant: a path if it looks like one, else the one of `files` with that id, else a file of that
    name.

    Raises PlanError with the names that exist.
    """
    if name.endswith(SUFFIXES) or os.sep in name:
        return Path(name)
    known = by_id(files)
    if name in known:
        return known[name]
    by_name = {file.stem: file for file in files}
    if name in by_name:
        return by_name[name]
    if Path(name).is_file():
        return Path(name)
    expected = "a file, or one of " + ", ".join(known)
    raise PlanError([Problem(name or "''", 0, f"no such {what}", expected, closest(name, known))])


def nameable(named: str) -> str:
    """The name that a file gives another, unchanged. Raises ValueError for one that no file can have."""
    if "\0" in named or any("\ud800" <= char <= "\udfff" for char in named):
        raise ValueError("holds a character that no file's name has; expected a file relative to this one")
    if len(named.encode()) > LONGEST_NAME:
        raise ValueError(f"too long; expected a file relative to this one, {LONGEST_NAME} bytes at most")
    return named


FileName = Annotated[str, Field(min_length=1), AfterValidator(nameable)]


def beside(file: Path, named: str) -> Path:
    """The file that another one names relative to itself, as the system finds it: also through a linked folder.

    `named`: a name that `nameable` accepts.
    """
    plain = file.parent / named
    short = Path(os.path.normpath(plain))
    return short if _same(short, plain) or not plain.exists() else plain


@contextmanager
def named_file(path: Path, expected: str, pattern: str) -> Iterator[None]:
    """Inside of it a file that another one names is read. Raises ValueError, with the file and what was expected.

    `pattern`: of the files beside it, one of which may have been meant.
    """
    try:
        yield
    except OSError as exc:
        near = closest(path.name, [each.name for each in path.parent.glob(pattern) if each != path])
        hint = f"; did you mean {near}?" if near else ""
        said = f"{path} cannot be read: {exc.strerror or exc}; expected {expected} relative to this one{hint}"
        raise ValueError(said) from exc
    except UnicodeDecodeError as exc:
        raise ValueError(f"{path} is not UTF-8 text; expected {expected}") from exc


def by_id(files: Iterable[Path]) -> dict[str, Path]:
    """The first file of each id; a file that claims none is listed under its name."""
    found: dict[str, Path] = {}
    for file in files:
        found.setdefault(claimed(file)[1] or file.stem, file)
    return found
