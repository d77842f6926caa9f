"""Valkey as fault kinds and probes see it: asked directly, past every proxy, without repeats."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar

import valkey

from chaos.errors import ChaosError
from chaos.kinds import Detail, FaultKind
from harness.stack import Stack
from plans.models.fault import FaultSpec
from plans.models.partial import Contradiction
from system.contract.places import read_place
from system.contract.places import valkey as valkey_place

TIMEOUT_S = 5.0
STREAMS = "win:*"


def client(stack: Stack, part: str = valkey_place().name) -> valkey.Valkey:
    """Straight to a cell's Valkey, past every proxy, without repeats. Raises BadInput where there is none."""
    url = (stack.places.place(part).url or "").replace("valkey://", "redis://", 1)
    return valkey.Valkey.from_url(url, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S, retry=None)


def streams(stack: Stack, part: str = valkey_place().name) -> dict[str, str]:
    """Stream → id of its first entry, in a cell's Valkey. Raises ChaosError when it does not tell."""
    try:
        with client(stack, part) as store:
            found = {}
            for key in store.scan_iter(STREAMS, _type="stream"):
                first = store.xrange(key, count=1)
                found[key.decode()] = first[0][0].decode() if first else ""
            return found
    except valkey.ValkeyError as exc:
        raise ChaosError(f"{part}: {exc}") from exc


def command(stack: Stack, part: str, *words: str | int) -> Any:
    """The answer of a cell's Valkey. Raises ChaosError where it has none, or refuses."""
    try:
        with client(stack, part) as store:
            return store.execute_command(*words)
    except valkey.ValkeyError as exc:
        raise ChaosError(f"{part}: {words[0]}: {exc}") from exc


class StoreSpec(FaultSpec):
    """Something that is done to a Valkey."""

    def misplaced(self, targets: tuple[str, ...]) -> Iterator[Contradiction]:
        places = [read_place(target) for target in targets]
        if any(place is None or place.role != "valkey" for place in places):
            yield Contradiction(("targets",), f"{self.kind} on {', '.join(targets)}", "valkey alone")


S = TypeVar("S", bound=StoreSpec)


class StoreKind(FaultKind[S]):
    """A kind that changes a Valkey by a command, and takes that back by another. Valkey remembers none of it when it
    is started anew.
    """

    def touches(self, spec: S, target: str) -> tuple[str, ...]:
        return (target,)

    def part(self, detail: Detail) -> str:
        return str(detail["part"])

    def undone(self, stack: Stack, detail: Detail) -> bool:
        return not self.in_force(stack, detail)
