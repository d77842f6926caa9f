"""Ways of injecting, one family a module. Each knows which parts it touches, and undoes itself from `detail` alone.

`detail` stands in the fault ledger before anything happens, so that a process that never saw the fault can heal it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from chaos.errors import External
from chaos.faults import network, process, store
from harness.stack import Stack
from plans.models.fault import Fault


class Way(Protocol):
    """A module of this package."""

    def touches(self, target: str) -> tuple[str, ...]:
        """The parts of the stack that are changed; none of them may be somebody else's."""
        ...

    def detail(self, stack: Stack, fault: Fault, target: str) -> dict[str, Any]:
        """What will be done and what is needed to take it back. Changes nothing. Raises ChaosError."""
        ...

    def inject(self, stack: Stack, detail: dict[str, Any]) -> None:
        """Does it. Raises ChaosError."""
        ...

    def momentary(self, detail: dict[str, Any]) -> bool:
        """Is it over by its nature as soon as the system has come through, whatever length was asked for?"""
        ...

    def in_force(self, stack: Stack, detail: dict[str, Any]) -> bool:
        """Is it there now? Looked at all the while, not assumed. Raises ChaosError where nobody can tell."""
        ...

    def undo(self, stack: Stack, detail: dict[str, Any]) -> None:
        """The first rung of the ladder; safe to repeat. Raises ChaosError."""
        ...

    def undone(self, stack: Stack, detail: dict[str, Any]) -> bool:
        """Is nothing of it left? Raises ChaosError where nobody can tell."""
        ...


WAYS: dict[str, Way] = {"toxics": network, "refuse": network, "signal": process, "flush": store}


def theirs(fault: Fault, target: str, externals: Mapping[str, str], destroy: str | None) -> str | None:
    """Why the fault may not be injected here: a part it touches is somebody's. `destroy`: the exact URL that may be."""
    for part in WAYS[fault.inject.kind].touches(target):
        if part in externals and externals[part] != destroy:
            return f"external: {part} belongs to somebody; {fault.id} does not touch it"
    return None


def lacking(fault: Fault, stack: Stack) -> str | None:
    """Why the fault cannot be put to this stack: something that its file requires is not there."""
    there = {"toxiproxy": stack.addresses.toxiproxy_url is not None}
    missing = [need for need in fault.requires if not there[need]]
    return f"requires: {fault.id} requires {', '.join(missing)}, which this stack has not" if missing else None


def refuse_theirs(fault: Fault, target: str, externals: Mapping[str, str], destroy: str | None) -> None:
    """Raises External: the last gate before an injection."""
    why = theirs(fault, target, externals, destroy)
    if why is not None:
        raise External(why)
