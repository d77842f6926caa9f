"""Files that are found by being there (switches, signals, plays, kinds, …): how each is imported.

Owns how a file that cannot be used is told: one sentence with file and line, before anything starts. Knows no kind of
file. A module whose name begins with _ is none of them.
"""

from __future__ import annotations

import ast
import importlib
import os
import pkgutil
import threading
import traceback
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from system.contract.errors import SettingsError

_PARSES = threading.Lock()
"""Python 3.11 counts the depth of a tree once for all threads: of two that parse at once, one breaks (SystemError)."""


class Blame(NamedTuple):
    """What broke while a file was imported, and where."""

    file: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.what}"


class Unusable(SettingsError):
    """A file that cannot be imported."""

    def __init__(self, blame: Blame) -> None:
        super().__init__(str(blame))
        self.blame = blame


class Piece(NamedTuple):
    """A file that was found."""

    file: Path
    module: ModuleType

    def place(self, text: str = "") -> str:
        """`file:line` of a text that is written in it; of its first line where there is none."""
        return f"{self.file}:{line_of(self.file, text)}"


def own_folders(text: str) -> list[str]:
    """The folders that a variable names (several: with `:` between), each from the root."""
    return [os.path.abspath(each) for each in text.split(os.pathsep) if each]


def twice(package: str, folders: Iterable[str], beside: Iterable[str] = ()) -> Iterator[Blame]:
    """Folders of the package that are none, and modules whose name stands in two folders: the second hides."""
    first: dict[str, Path] = {}
    for folder in map(Path, folders):
        if not folder.is_dir():
            yield Blame(str(folder), 1, "no folder")
        for name in names(package, [str(folder)], beside):
            file = _file(name.rpartition(".")[2], [str(folder)])
            if name in first:
                yield Blame(str(file), 1, f"the name {file.stem} stands in {first[name]} too")
            first.setdefault(name, file)


def names(package: str, folders: Iterable[str], beside: Iterable[str] = ()) -> list[str]:
    """The modules of a package. `beside`: those that hold the shape, not a piece."""
    left_out = {*beside}
    found = sorted(each.name for each in pkgutil.iter_modules(folders))
    return [f"{package}.{name}" for name in found if not name.startswith("_") and name not in left_out]


def pieces(package: str, folders: Iterable[str], beside: Iterable[str] = ()) -> Iterator[Piece]:
    """The modules of a package, imported. Raises Unusable for one that cannot be."""
    folders = list(folders)
    for name in names(package, folders, beside):
        yield imported(name, folders)


def imported(name: str, folders: Iterable[str]) -> Piece:
    """One module by its full name, and where it stands. Raises Unusable: file, line, what is wrong."""
    file = _file(name.rpartition(".")[2], folders)
    if file.suffix == ".py" and (hiding := file.with_suffix("") / "__init__.py").is_file():
        raise Unusable(Blame(str(file), 1, f"the name {file.stem} stands in {hiding} too, which hides this one"))
    try:
        return Piece(file, importlib.import_module(name))
    except SettingsError:  # of a file that this one imports: told already
        raise
    except (Exception, SystemExit) as exc:  # a file that ends the command would end it without a word
        raise Unusable(blamed(exc, file)) from exc


def blamed(error: BaseException, file: Path) -> Blame:
    """The place of an error: in `file`, at the line at which it broke there; that of a mistake in the Python of any."""
    if isinstance(error, SyntaxError):
        return Blame(error.filename or str(file), error.lineno or 1, f"no Python: {error.msg}")
    mine = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename) == file]
    what = f"cannot be imported: {type(error).__name__}: {' '.join(str(error).split())}"
    return Blame(str(file), (mine[-1] if mine else None) or 1, what)


def line_of(file: Path, text: str) -> int:
    """The line at which a text stands in a file of Python; 1 where it does not."""
    try:
        source = file.read_text(encoding="utf-8")
        with _PARSES:
            nodes = ast.walk(ast.parse(source))
    except (OSError, ValueError, SyntaxError):
        return 1
    return min((node.lineno for node in nodes if isinstance(node, ast.Constant) and node.value == text), default=1)


def _file(name: str, folders: Iterable[str]) -> Path:
    for folder in map(Path, folders):
        for file in (folder / f"{name}.py", folder / name / "__init__.py"):
            if file.is_file():
                return file
    return Path(name)
