"""The shape of a fault kind: a way to break a part, a link or the machine, and to take it back.

One file in `chaos/faults/` and one test file; `chaos.faults` finds it by its `kind`. A kind undoes itself from `detail`
alone, which is in the fault ledger before anything happens: so a process that never saw the fault can heal it.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, Generic, TypeVar

from chaos.errors import ChaosError
from harness.stack import Stack
from plans.models.fault import FaultSpec

Detail = dict[str, Any]
"""JSON. Of a fault on a link: `link`, and `toxics` where it consists of some, so that they are not taken for unknown
ones.
"""
Rung = tuple[str, Callable[[], None]]
"""Its name in the ledger, and what it does. Raises where it fails."""
FIRST_RUNG = "remove"
POLL_S = 0.05
S = TypeVar("S", bound=FaultSpec)


class FaultKind(ABC, Generic[S]):
    """One kind. `kind` is its name in the YAML file, `Spec` what `inject` may say beside it."""

    kind: ClassVar[str]
    Spec: ClassVar[type[FaultSpec]]
    flushes: ClassVar[bool] = False
    """It removes every stream of Valkey, the other lane's too."""

    @abstractmethod
    def touches(self, spec: S, target: str) -> tuple[str, ...]:
        """The parts that are changed; none of them may belong to somebody else."""

    def lacks(self, stack: Stack, spec: S, target: str) -> str | None:
        """What the kind needs and this stack or machine does not have, in words; None: nothing is missing."""
        return None

    @abstractmethod
    def prepare(self, stack: Stack, spec: S, target: str) -> Detail:
        """All that injecting and undoing need. Changes nothing. Raises ChaosError."""

    @abstractmethod
    def inject(self, stack: Stack, detail: Detail) -> None:
        """Does it, once the ledger holds the detail. Raises ChaosError."""

    def momentary(self, detail: Detail) -> bool:
        """Is it over by its nature as soon as the system has recovered, whatever length was asked for?"""
        return False

    @abstractmethod
    def in_force(self, stack: Stack, detail: Detail) -> bool:
        """Is it there now? Measured all the while. Raises ChaosError where that is not known."""

    @abstractmethod
    def undo(self, stack: Stack, detail: Detail) -> None:
        """The first rung of the ladder; safe to repeat. Raises ChaosError."""

    @abstractmethod
    def undone(self, stack: Stack, detail: Detail) -> bool:
        """Is nothing of it left? Raises ChaosError where that is not known."""

    @abstractmethod
    def part(self, detail: Detail) -> str:
        """The part that has to run for the fault to be there; not asked of one that outlives its stack."""

    def outlives(self, detail: Detail) -> bool:
        """Is it still there when the stack is gone? Then `undo` and `undone` get a stack that may not run."""
        return False

    def rungs(self, stack: Stack, detail: Detail) -> list[Rung]:
        """The ladder, from the gentlest; `undone` is looked at after each."""
        return [(FIRST_RUNG, lambda: self.undo(stack, detail))]


def until(done: Callable[[], bool], deadline_s: float, what: str) -> None:
    """Waits for a condition. Raises ChaosError when it does not come."""
    end = time.monotonic() + deadline_s
    while not done():
        if time.monotonic() > end:
            raise ChaosError(f"{what}: not within {deadline_s:g} s")
        time.sleep(POLL_S)
