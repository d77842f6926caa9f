"""Kinds found by what stands in a folder: a class of a package's modules that has a `kind`. Adding a file adds a kind.

A kind that stands twice, or a module that cannot be imported, is one problem with file and line; whoever must act all
the same (a healer) takes what was found beside it.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Generic, TypeVar

from plans.models.errors import PlanError, Problem

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Found(Generic[T]):
    """The kinds by name, in the order of their files, and what is wrong with the files."""

    kinds: dict[str, type[T]]
    problems: tuple[Problem, ...]

    def checked(self) -> dict[str, type[T]]:
        """The kinds. Raises PlanError where something is wrong with a file."""
        if self.problems:
            raise PlanError(self.problems)
        return self.kinds


def survey(base: type[T], *packages: str) -> Found[T]:
    """Every subclass of `base` with a `kind`, in the modules of `packages` (a name that begins with _ is no kind)."""
    kinds: dict[str, type[T]] = {}
    problems: list[Problem] = []
    for name in (name for package in packages for name in sorted(_modules(importlib.import_module(package)))):
        try:
            module = importlib.import_module(name)
        except Exception as exc:
            problems.append(Problem(name, 0, f"cannot be imported: {type(exc).__name__}: {exc}"))
            continue
        for one in _own(module, base):
            kind: str = vars(one)["kind"]
            if (other := kinds.get(kind)) is not None:
                what = f"kind `{kind}` stands in {where(other)} too"
                problems.append(Problem(*_place(one), what, "each kind in one file"))
                continue
            kinds[kind] = one
    return Found(kinds, tuple(problems))


def where(one: type[object]) -> str:
    """`file:line` of a class."""
    return "{}:{}".format(*_place(one))


def _place(one: type[object]) -> tuple[str, int]:
    return inspect.getsourcefile(one) or one.__module__, inspect.getsourcelines(one)[1]


def _modules(package: ModuleType) -> Iterator[str]:
    for each in pkgutil.iter_modules(package.__path__):
        if not each.name.startswith("_"):
            yield f"{package.__name__}.{each.name}"


def _own(module: ModuleType, base: type[T]) -> Iterator[type[T]]:
    """The kinds that a module itself defines, not those that it imports."""
    for one in vars(module).values():
        if (
            isinstance(one, type)
            and issubclass(one, base)
            and one.__module__ == module.__name__
            and "kind" in vars(one)
        ):
            yield one
