"""Kind `valkey_replica`: Valkey becomes the replica of a master that is not there, as after a failover gone wrong."""

from __future__ import annotations

from typing import ClassVar, Literal

from chaos.kinds import Detail
from chaos.store import StoreKind, StoreSpec, command
from harness.stack import Stack
from plans.models.fault import Fits

NOBODY = ("127.0.0.1", 1)
"""A master that never answers: with one that does, all keys would be replaced by its own."""


class Replica(StoreSpec):
    """Writes are refused with READONLY; what is there stays, and is read."""

    FITS: ClassVar = {"valkey_replica": Fits(("master_again",), ("write_refused",), ("write_accepted",))}
    kind: Literal["valkey_replica"]


class ReplicaKind(StoreKind[Replica]):
    """`REPLICAOF`, there and back."""

    kind = "valkey_replica"
    Spec = Replica

    def prepare(self, stack: Stack, spec: Replica, target: str) -> Detail:
        return {"part": target}

    def inject(self, stack: Stack, detail: Detail) -> None:
        command(stack, detail["part"], "REPLICAOF", *NOBODY)

    def in_force(self, stack: Stack, detail: Detail) -> bool:
        return command(stack, detail["part"], "ROLE")[0] in (b"slave", b"replica")

    def undo(self, stack: Stack, detail: Detail) -> None:
        command(stack, detail["part"], "REPLICAOF", "NO", "ONE")
