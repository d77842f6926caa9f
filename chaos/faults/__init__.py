"""The kinds of fault, found by their `kind`, and the checks before an injection: whose part it is, and what the kind
needs.

A kind of one's own stands in a folder that `XIU_FAULT_KINDS` names (several: with `:` between).
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from chaos.errors import External
from chaos.kinds import FaultKind
from chaos.needs import NEEDS
from chaos.probes import probes_lack
from chaos.registry import Survey, survey
from harness.stack import Stack
from plans.models.fault import SORTS, Fault, FaultSpec, Fits
from system.contract.found import own_folders

HERE = str(Path(__file__).parent)
__path__.extend(own_folders(os.environ.get("XIU_FAULT_KINDS", "")))


def _found() -> Survey[FaultKind[Any]]:
    return survey(FaultKind, __name__, wrong=fits_nothing)  # type: ignore[type-abstract]


def fits_nothing(kind: type[FaultKind[Any]]) -> str | None:
    """What a kind's `FITS` lacks: a row for it, where it has one way only; a name in each of a row's three."""
    spec = kind.Spec
    if spec.on not in SORTS:
        return f"{spec.__name__}.on is {spec.on!r}, and none of {', '.join(SORTS)}"
    if not isinstance(spec.FITS, dict):
        return f"{spec.__name__}.FITS is no table of way → Fits"
    for way, fits in spec.FITS.items():
        if not isinstance(fits, Fits) or not all(isinstance(names, tuple) and names for names in fits):
            return f"{spec.__name__}.FITS[{way!r}] is no Fits(heals, effects, healed), a tuple of names each"
    if spec.way is FaultSpec.way and kind.kind not in spec.FITS:
        return f"{spec.__name__}.FITS has no row {kind.kind!r}: no heal and no probe goes with the kind"
    return None


@cache
def kinds() -> dict[str, FaultKind[Any]]:
    """Every kind of fault. Raises PlanError for one that cannot be used or stands twice, with file and line."""
    _found().checked()
    return at_hand()


@cache
def at_hand() -> dict[str, FaultKind[Any]]:
    """Those that can be imported, for code that heals: one broken file does not keep another kind from being healed."""
    return {name: kind() for name, kind in _found().kinds.items()}


def home(kind: str) -> str:
    """The folder of a kind of one's own; empty for one of the project."""
    folder = str(Path(inspect.getfile(type(kinds()[kind]))).parent)
    return "" if folder == HERE else folder


def to_heal(kind: str, where: str) -> FaultKind[Any] | None:
    """The kind of a fault that is injected. `where`: its folder, if it is one's own; looked at where this process, in
    another shell perhaps, was not given that folder. None: no such kind.
    """
    if kind not in at_hand() and where and where not in __path__:
        __path__.append(where)
        at_hand.cache_clear()
    return at_hand().get(kind)


def theirs(fault: Fault, target: str, externals: Mapping[str, str], destroy: str | None) -> str | None:
    """Why the fault may not be injected here: a part that it touches is somebody else's. `destroy`: the exact URL that
    may be.
    """
    for part in kinds()[fault.inject.kind].touches(fault.inject, target):
        if part in externals and externals[part] != destroy:
            return f"external: {part} belongs to somebody; {fault.id} does not touch it"
    return None


def lacking(fault: Fault, target: str, stack: Stack) -> str | None:
    """Why the fault cannot be put to this stack: something that its file or its kind requires is not there."""
    missing = [need for need in fault.requires if not NEEDS[need](stack)]
    if missing:
        return f"requires: {fault.id} requires {', '.join(missing)}, which this stack has not"
    lack = kinds()[fault.inject.kind].lacks(stack, fault.inject, target) or probes_lack(stack, fault, target)
    return f"requires: {fault.id} on {target}: {lack}" if lack else None


def refuse_theirs(fault: Fault, target: str, externals: Mapping[str, str], destroy: str | None) -> None:
    """Raises External: the last check before an injection."""
    why = theirs(fault, target, externals, destroy)
    if why is not None:
        raise External(why)
