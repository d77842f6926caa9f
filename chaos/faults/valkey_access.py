"""Kind `valkey_access`: the right to write taken from the user as whom everybody asks Valkey."""

from __future__ import annotations

from typing import ClassVar, Literal

from chaos.errors import ChaosError
from chaos.kinds import Detail
from chaos.store import StoreKind, StoreSpec, command
from harness.stack import Stack
from plans.models.fault import Fits

TAKEN = "-@write"


class Access(StoreSpec):
    """Writes are refused with NOPERM, on connections that stand as well."""

    FITS: ClassVar = {"valkey_access": Fits(("give_back",), ("write_refused",), ("write_accepted",))}
    kind: Literal["valkey_access"]


class AccessKind(StoreKind[Access]):
    """The user's rules as they were are in the ledger's line. They hold no password: Valkey lists its hash alone."""

    kind = "valkey_access"
    Spec = Access

    def prepare(self, stack: Stack, spec: Access, target: str) -> Detail:
        user = command(stack, target, "ACL", "WHOAMI")
        name = user.decode() if isinstance(user, bytes) else str(user)
        return {"part": target, "user": name, "rules": rules(stack, target, name)}

    def inject(self, stack: Stack, detail: Detail) -> None:
        command(stack, detail["part"], "ACL", "SETUSER", detail["user"], TAKEN)

    def in_force(self, stack: Stack, detail: Detail) -> bool:
        return TAKEN in rules(stack, detail["part"], detail["user"])

    def undo(self, stack: Stack, detail: Detail) -> None:
        command(stack, detail["part"], "ACL", "SETUSER", detail["user"], "reset", *detail["rules"])

    def undone(self, stack: Stack, detail: Detail) -> bool:
        return bool(rules(stack, detail["part"], detail["user"]) == detail["rules"])


def rules(stack: Stack, part: str, user: str) -> list[str]:
    """The rules of a user, as `ACL SETUSER` takes them. Raises ChaosError."""
    for line in command(stack, part, "ACL", "LIST"):
        words = (line.decode() if isinstance(line, bytes) else str(line)).split()
        if words[:2] == ["user", user]:
            return words[2:]
    raise ChaosError(f"{part}: no user {user}")
