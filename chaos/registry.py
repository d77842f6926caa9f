"""Kinds found by the files of a folder: each class of a package's modules that has a `kind`. Adding a file adds a kind.

A kind that stands twice, one that lacks a piece, or a module that cannot be imported, is one problem with file and
line. Code that must act in any case (a healer) takes the kinds that were found beside it.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Generic, TypeVar, get_args

from plans.models.errors import PlanError, Problem
from plans.models.partial import PlanModel
from system.contract import found as there

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Survey(Generic[T]):
    """The kinds by name, in the order of their files, and what is wrong with the files."""

    kinds: dict[str, type[T]]
    problems: tuple[Problem, ...]

    def checked(self) -> dict[str, type[T]]:
        """The kinds. Raises PlanError where something is wrong with a file."""
        if self.problems:
            raise PlanError(self.problems)
        return self.kinds


def survey(base: type[T], *packages: str, wrong: Callable[[type[T]], str | None] = lambda _: None) -> Survey[T]:
    """Every subclass of `base` with a `kind`, in the modules of `packages` (a name that begins with _ is no kind).

    `wrong`: what else may be the matter with one, in words.
    """
    kinds: dict[str, type[T]] = {}
    folders_of = {package: list(importlib.import_module(package).__path__) for package in packages}
    problems = [
        Problem(*blame, "a name of its own" if blame.what != "no folder" else "a folder")
        for package, folders in folders_of.items()
        for blame in there.twice(package, folders)
    ]
    for name, folders in ((name, folders) for package in packages for name, folders in _modules(package)):
        try:
            module = there.imported(name, folders).module
        except there.Unusable as exc:
            problems.append(Problem(*exc.blame))
            continue
        own = list(_own(module, base))
        if not own and name.startswith(f"{packages[0]}."):
            none = f"no kind is in it: no class of {base.__name__} with a `kind`"
            problems.append(Problem(module.__file__ or name, 1, none))
        for one in own:
            kind: str = vars(one)["kind"]
            if (what := _lacks(one, base) or wrong(one)) is not None:
                problems.append(Problem(*_place(one), what))
            elif (other := kinds.get(kind)) is not None:
                what = f"kind `{kind}` stands in {where(other)} too"
                problems.append(Problem(*_place(one), what, "each kind in one file"))
            else:
                kinds[kind] = one
    return Survey(kinds, tuple(problems))


def where(one: type[object]) -> str:
    """`file:line` of a class."""
    return "{}:{}".format(*_place(one))


def _place(one: type[object]) -> tuple[str, int]:
    return inspect.getsourcefile(one) or one.__module__, inspect.getsourcelines(one)[1]


def _lacks(one: type[object], base: type[object]) -> str | None:
    """The piece of its shape that a kind lacks, in words: a method, its `Spec`, or something of that."""
    kind, spec = vars(one)["kind"], getattr(one, "Spec", None)
    if missing := sorted(getattr(one, "__abstractmethods__", ())):
        return f"{one.__name__} lacks {', '.join(missing)}"
    if "Spec" not in inspect.get_annotations(base):
        return None
    if not (isinstance(spec, type) and issubclass(spec, PlanModel)):
        return f"{one.__name__} has no `Spec`"
    field = spec.model_fields.get("kind")
    if field is None or get_args(field.annotation) != (kind,):
        return f"{spec.__name__}, the Spec of kind `{kind}`, does not say `kind: Literal[{kind!r}]`"
    fields = {name: text for each in spec.__mro__ for name, text in inspect.get_annotations(each).items()}
    missing = [name for name, text in fields.items() if "ClassVar" in str(text) and not hasattr(spec, name)]
    return f"{spec.__name__}, the Spec of kind `{kind}`, lacks {', '.join(missing)}" if missing else None


def _modules(package: str) -> Iterator[tuple[str, list[str]]]:
    folders = list(importlib.import_module(package).__path__)
    for name in there.names(package, folders):
        yield name, folders


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
