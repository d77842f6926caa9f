"""Kind `flush`: FLUSHALL on Valkey. Nothing takes it back: the system itself must come through."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

import valkey

from chaos.errors import ChaosError
from chaos.kinds import Detail, FaultKind
from chaos.store import client, streams
from harness.stack import Stack
from plans.models.fault import FaultSpec, Fits
from plans.models.partial import Contradiction


class Flush(FaultSpec):
    """FLUSHALL on Valkey, as an operator's slip does it. Nothing takes it back: the fronts append again."""

    FITS: ClassVar = {"flush": Fits(("appended_again",), ("streams_gone",), ("fronts_ready",))}
    kind: Literal["flush"]

    def misplaced(self, targets: tuple[str, ...]) -> Iterator[Contradiction]:
        if targets != ("valkey",):
            yield Contradiction(("targets",), f"flush on {', '.join(targets)}", "valkey alone")


class FlushKind(FaultKind[Flush]):
    """Straight to Valkey."""

    kind = "flush"
    Spec = Flush
    flushes = True

    def touches(self, spec: Flush, target: str) -> tuple[str, ...]:
        return ("valkey",)

    def part(self, detail: Detail) -> str:
        return "valkey"

    def prepare(self, stack: Stack, spec: Flush, target: str) -> Detail:
        return {"streams": streams(stack)}

    def inject(self, stack: Stack, detail: Detail) -> None:
        with client(stack) as store:
            try:
                store.flushall()
            except valkey.ValkeyError as exc:
                raise ChaosError(f"valkey: FLUSHALL: {exc}") from exc

    def momentary(self, detail: Detail) -> bool:
        return True

    def in_force(self, stack: Stack, detail: Detail) -> bool:
        now = streams(stack)
        return any(now.get(key) != first for key, first in detail["streams"].items())

    def undo(self, stack: Stack, detail: Detail) -> None:
        """Nothing: the fronts append again."""

    def undone(self, stack: Stack, detail: Detail) -> bool:
        return True
