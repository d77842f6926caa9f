"""Kind `flush`: FLUSHALL on Valkey. Nothing takes it back: the system itself must recover."""

from __future__ import annotations

from typing import ClassVar, Literal

import valkey

from chaos.errors import ChaosError
from chaos.kinds import Detail, FaultKind
from chaos.store import StoreSpec, client, streams
from harness.stack import Stack
from plans.models.fault import Fits
from system.contract.places import valkey as valkey_place


class Flush(StoreSpec):
    """FLUSHALL on Valkey, as an operator might do by mistake. Nothing takes it back: the fronts append again."""

    FITS: ClassVar = {"flush": Fits(("appended_again",), ("streams_gone",), ("fronts_ready",))}
    kind: Literal["flush"]


class FlushKind(FaultKind[Flush]):
    """Straight to Valkey."""

    kind = "flush"
    Spec = Flush
    flushes = True

    def touches(self, spec: Flush, target: str) -> tuple[str, ...]:
        return (target,)

    def part(self, detail: Detail) -> str:
        return str(detail.get("part", valkey_place().name))

    def prepare(self, stack: Stack, spec: Flush, target: str) -> Detail:
        return {"part": target, "streams": streams(stack, target)}

    def inject(self, stack: Stack, detail: Detail) -> None:
        part = self.part(detail)
        with client(stack, part) as store:
            try:
                store.flushall()
            except valkey.ValkeyError as exc:
                raise ChaosError(f"{part}: FLUSHALL: {exc}") from exc

    def momentary(self, detail: Detail) -> bool:
        return True

    def in_force(self, stack: Stack, detail: Detail) -> bool:
        now = streams(stack, self.part(detail))
        return any(now.get(key) != first for key, first in detail["streams"].items())

    def undo(self, stack: Stack, detail: Detail) -> None:
        """Nothing: the fronts append again."""

    def undone(self, stack: Stack, detail: Detail) -> bool:
        return True
