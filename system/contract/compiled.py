"""Which build of the hot path runs: the plain source, or the same source compiled by mypyc where the set-up built it.

`XIU_COMPILED`: unset takes the compiled build if it exists for this very source; `0` is plain; `1` is compiled, or an
error. `setup/hot_path.py` builds into `.tools/compiled/KEY/`; the key is a hash of every source on which the compiled
modules depend, and of the Python and the mypy that the build is for, so that a stale build is never loaded.
"""

from __future__ import annotations

import functools
import hashlib
import os
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from importlib.abc import MetaPathFinder
from importlib.machinery import EXTENSION_SUFFIXES, ExtensionFileLoader, ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType

from system.contract.errors import SettingsError

ROOT = Path(__file__).resolve().parents[2]
BUILDS = ROOT / ".tools" / "compiled"
VARIABLE = "XIU_COMPILED"
MODULES = tuple(
    f"system.front.{name}" for name in ("protocol", "desk", "draw", "admission", "limiter", "waiters", "tickets")
)
"""Chosen by measuring: with `answers`, `rounds` or `tokens` among them the front was slower (docs/measuring.md)."""
COMPILED, PLAIN = "compiled", "plain"
_IMPORTED = re.compile(r"^(?:from|import) (system[\w.]*)(?: import (.+))?", re.M)


@dataclass(frozen=True)
class Build:
    """What runs, and why. `kind`: COMPILED or PLAIN."""

    kind: str
    why: str

    def __str__(self) -> str:
        return f"{self.kind} ({self.why})" if self.why else self.kind


def source(module: str) -> Path:
    """The file of a module or package of `system`."""
    place = ROOT.joinpath(*module.split("."))
    return place / "__init__.py" if place.is_dir() else place.with_suffix(".py")


def stands_on(modules: Sequence[str] = MODULES) -> list[str]:
    """The modules and every module of `system` that they import, directly or not; sorted."""
    found: set[str] = set()
    todo = list(modules)
    while todo:
        module = todo.pop()
        if module in found or not source(module).is_file():
            continue
        found.add(module)
        for base, names in _IMPORTED.findall(source(module).read_text(encoding="utf-8")):
            todo += [base, *(f"{base}.{name}" for name in re.findall(r"\w+", names))]
    return sorted(found)


@functools.cache
def key() -> str:
    """Hash of the sources, of the Python that the build is for, and of the compiler (mypyc is part of mypy): 16 hex
    digits.
    """
    try:
        mypy = metadata.version("mypy")
    except metadata.PackageNotFoundError:
        mypy = "none"
    digest = hashlib.sha256(f"{sys.version}\n{EXTENSION_SUFFIXES[0]}\n{mypy}\n{MODULES}\n".encode())
    for module in stands_on():
        digest.update(source(module).read_bytes())
    return digest.hexdigest()[:16]


def folder() -> Path:
    """Where a build of this source, for this Python, lies or would lie."""
    return BUILDS / key()


@functools.cache
def build() -> Build:
    """What this process runs, and its children where nothing else is said. Raises SettingsError."""
    setting = os.environ.get(VARIABLE, "")
    if setting not in ("", "0", "1"):
        raise SettingsError(f"{VARIABLE}={setting[:20]}: expected 0 (plain), 1 (compiled, or an error), or nothing")
    if setting == "0":
        return Build(PLAIN, f"{VARIABLE}=0")
    if folder().is_dir():
        return Build(COMPILED, "")
    stale = BUILDS.is_dir() and any(BUILDS.iterdir())
    why = "the build is of another source: make setup" if stale else "not built here: make setup, with a C compiler"
    if setting == "1":
        raise SettingsError(f"{VARIABLE}=1, and the hot path is {why}")
    return Build(PLAIN, why)


class _Finder(MetaPathFinder):
    """Finds the compiled modules, and the library they share, in a build's folder."""

    def __init__(self, place: Path) -> None:
        suffix = EXTENSION_SUFFIXES[0]
        self._files = {
            str(path.relative_to(place)).removesuffix(suffix).replace(os.sep, "."): path
            for path in place.rglob(f"*{suffix}")
        }

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        file = self._files.get(fullname)
        if file is None:
            return None
        return spec_from_file_location(fullname, file, loader=ExtensionFileLoader(fullname, str(file)))


def use() -> None:
    """From here on this process imports the compiled modules, where `build` says so."""
    try:
        chosen = build()
    except SettingsError:
        return  # the code that reads the settings reports it: an import should not print
    if chosen.kind == COMPILED and not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder(folder()))


def runs_compiled() -> bool:
    """Did this process load the compiled modules?"""
    module = sys.modules.get(MODULES[0])
    return module is not None and str(getattr(module, "__file__", "")).endswith(EXTENSION_SUFFIXES[0])
