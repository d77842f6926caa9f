"""Kind `detour`: a link of the edge led through the second toxiproxy for a drill that is aimed at it, and led back. In
the fault ledger like a fault, so that it ends whoever dies.

It is no fault: while its drill lives, `xiu heal` takes what is on the link and leaves the way itself, for the generator
fires through it. Its drill, a watchdog once the drill is gone, or its time ends it.
"""

from __future__ import annotations

import time
from typing import Any, ClassVar, Literal

from chaos import faults
from chaos.errors import ChaosError
from chaos.fault_ledger import Injected
from chaos.kinds import Detail, FaultKind, Rung
from harness.errors import HarnessError
from harness.stack import Stack
from plans.models.fault import FaultSpec
from system.contract.links import TO_TARGETS
from system.contract.places import EDGE

KIND = "detour"


class DetourSpec(FaultSpec):
    """No file says it: a drill's target does."""

    FITS: ClassVar = {}
    kind: Literal["detour"]


class DetourKind(FaultKind[DetourSpec]):
    """Detail: `links`."""

    kind = KIND
    Spec = DetourSpec

    def touches(self, spec: DetourSpec, target: str) -> tuple[str, ...]:
        return (EDGE,)

    def part(self, detail: Detail) -> str:
        return EDGE

    def prepare(self, stack: Stack, spec: DetourSpec, target: str) -> Detail:
        return {"links": target.split(", ")}

    def inject(self, stack: Stack, detail: Detail) -> None:
        try:
            stack.detour(*detail["links"])
        except HarnessError as exc:
            raise ChaosError(str(exc)) from exc

    def in_force(self, stack: Stack, detail: Detail) -> bool:
        return set(detail["links"]) <= {*stack.detours} and EDGE in stack.pids()

    def undo(self, stack: Stack, detail: Detail) -> None:
        stack.detour()

    def undone(self, stack: Stack, detail: Detail) -> bool:
        return not stack.detours and EDGE not in stack.pids()

    def rungs(self, stack: Stack, detail: Detail) -> list[Rung]:
        """lead back → restart Prometheus, which reads its configuration at its start, and lead back."""
        back: Rung = ("lead back", lambda: self.undo(stack, detail))
        if TO_TARGETS not in detail["links"]:
            return [back]

        def again() -> None:
            stack.restart("prometheus")
            self.undo(stack, detail)

        return [back, ("restart prometheus, lead back", again)]


def to_heal(kind: str, home: str) -> FaultKind[Any] | None:
    """Any kind that the ledger may name: those of files, as `chaos.faults` finds them, and the way itself."""
    return DetourKind() if kind == KIND else faults.to_heal(kind, home)


def led(one: Injected) -> bool:
    """Is it the way of a drill that lives, and whose time is not over?"""
    return one.kind == KIND and one.owner_lives() and time.time() <= one.expires
