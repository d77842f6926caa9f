"""Kind `valkey_pause`: Valkey keeps every write waiting, and answers whatever else it is asked."""

from __future__ import annotations

from typing import ClassVar, Literal

from chaos.kinds import Detail
from chaos.store import StoreKind, StoreSpec, command
from harness.stack import Stack
from plans.models.fault import Fits

MOST_MS = 600_000
"""Valkey goes on by itself after this, whatever became of everybody who could heal."""


class Pause(StoreSpec):
    """`CLIENT PAUSE … WRITE`. With ALL nobody could end the pause before its time, so it is no fault to offer."""

    FITS: ClassVar = {"valkey_pause": Fits(("unpause",), ("write_waits",), ("write_accepted",))}
    kind: Literal["valkey_pause"]


class PauseKind(StoreKind[Pause]):
    """Who waited is served once the pause is over."""

    kind = "valkey_pause"
    Spec = Pause

    def prepare(self, stack: Stack, spec: Pause, target: str) -> Detail:
        return {"part": target}

    def inject(self, stack: Stack, detail: Detail) -> None:
        command(stack, detail["part"], "CLIENT", "PAUSE", MOST_MS, "WRITE")

    def in_force(self, stack: Stack, detail: Detail) -> bool:
        return str(command(stack, detail["part"], "INFO", "clients")["paused_reason"]) == "client_pause"

    def undo(self, stack: Stack, detail: Detail) -> None:
        command(stack, detail["part"], "CLIENT", "UNPAUSE")
