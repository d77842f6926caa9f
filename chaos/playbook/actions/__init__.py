"""The kinds of action a playbook can do: one file each, found by its `kind`.

A new one is a new file here, or in a folder that `XIU_ACTIONS` names (several: with `:` between), with a class of
`chaos.playbook.action.ActionKind`; nothing else changes.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from chaos.playbook.action import ActionKind
from plans.models.errors import PlanError, Problem
from plans.models.playbook import ActionSpec, Playbook, playbook_of
from system.contract import found

Kind = ActionKind[Any]
__path__.extend(found.own_folders(os.environ.get("XIU_ACTIONS", "")))


@cache
def kinds() -> Mapping[str, Kind]:
    """Every kind by its name. Raises PlanError where two have one name, or one lacks what a kind has."""
    if wrong := [Problem(*blame) for blame in found.twice(__name__, __path__)]:
        raise PlanError(wrong)
    try:
        return registered(each for piece in found.pieces(__name__, __path__) for each in _classes(piece))
    except found.Unusable as exc:
        raise PlanError([Problem(*exc.blame)]) from exc


@cache
def playbook_model() -> type[Playbook]:
    """A playbook's file with every kind of action there is. Raises PlanError, as `kinds`."""
    return playbook_of({name: kind.Spec for name, kind in kinds().items()})


def registered(classes: Iterable[type[Kind]]) -> dict[str, Kind]:
    """By name. Raises PlanError with the line of the class that is wrong."""
    known: dict[str, Kind] = {}
    for each in classes:
        name, spec = getattr(each, "kind", None), getattr(each, "Spec", None)
        if not isinstance(name, str) or not (isinstance(spec, type) and issubclass(spec, ActionSpec)):
            raise PlanError([_problem(each, f"{each.__name__} has no `kind` or no `Spec`", "both")])
        default = spec.model_fields["kind"].default
        if default != name:
            what = f"action kind {name}: its Spec's `kind` is {default}"
            raise PlanError([_problem(each, what, f'`kind: Literal["{name}"] = "{name}"`')])
        if missing := sorted(each.__abstractmethods__):
            raise PlanError(
                [_problem(each, f"{each.__name__} lacks {', '.join(missing)}", "every method of its shape")]
            )
        if name in known:
            other = inspect.getsourcefile(type(known[name]))
            raise PlanError([_problem(each, f"action kind {name} stands in {other} as well", "each kind once")])
        known[name] = each()
    return known


def _classes(piece: found.Piece) -> list[type[Kind]]:
    """Those of a file. Raises PlanError where there is none."""
    module = piece.module
    mine = [each for each in vars(module).values() if isinstance(each, type) and each.__module__ == module.__name__]
    kinds = [each for each in mine if issubclass(each, ActionKind)]
    if not (classes := [each for each in kinds if "kind" in vars(each) or not inspect.isabstract(each)]):
        raise PlanError([Problem(str(piece.file), 1, "no action is in it", "a class of ActionKind with a `kind`")])
    return classes


def _problem(each: type[Kind], what: str, expected: str) -> Problem:
    _, line = inspect.getsourcelines(each)
    return Problem(str(Path(inspect.getsourcefile(each) or "")), line, what, expected)
