"""The kinds of action a playbook can do: one file each, found by its `kind`.

A new one is a new file here with a class of `chaos.playbook.action.ActionKind`; nothing else changes.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from chaos.playbook.action import ActionKind
from plans.models.errors import PlanError, Problem
from plans.models.playbook import Playbook, playbook_of

Kind = ActionKind[Any]


@cache
def kinds() -> Mapping[str, Kind]:
    """Every kind by its name. Raises PlanError where two have one name, or one lacks what a kind has."""
    modules = [importlib.import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__)]
    return registered(each for module in modules for each in _classes(module))


@cache
def playbook_model() -> type[Playbook]:
    """A playbook's file with every kind of action there is. Raises PlanError, as `kinds`."""
    return playbook_of({name: kind.Spec for name, kind in kinds().items()})


def registered(classes: Iterable[type[Kind]]) -> dict[str, Kind]:
    """By name. Raises PlanError with the line of the class that is wrong."""
    found: dict[str, Kind] = {}
    for each in classes:
        name, spec = getattr(each, "kind", None), getattr(each, "Spec", None)
        if not isinstance(name, str) or spec is None:
            raise PlanError([_problem(each, f"{each.__name__} has no `kind` or no `Spec`", "both")])
        default = spec.model_fields["kind"].default
        if default != name:
            what = f"action kind {name}: its Spec's `kind` is {default}"
            raise PlanError([_problem(each, what, f'`kind: Literal["{name}"] = "{name}"`')])
        if name in found:
            other = inspect.getsourcefile(type(found[name]))
            raise PlanError([_problem(each, f"action kind {name} stands in {other} as well", "each kind once")])
        found[name] = each()
    return found


def _classes(module: ModuleType) -> list[type[Kind]]:
    mine = [each for each in vars(module).values() if isinstance(each, type) and each.__module__ == module.__name__]
    return [each for each in mine if issubclass(each, ActionKind) and not inspect.isabstract(each)]


def _problem(each: type[Kind], what: str, expected: str) -> Problem:
    _, line = inspect.getsourcelines(each)
    return Problem(str(Path(inspect.getsourcefile(each) or "")), line, what, expected)
