"""Faults of Valkey's data. Nothing here can be taken back: the system itself must come through."""

from __future__ import annotations

from typing import Any

import valkey

from chaos.errors import ChaosError
from harness.stack import Stack
from plans.models.fault import Fault

TIMEOUT_S = 5.0
STREAMS = "win:*"


def touches(target: str) -> tuple[str, ...]:
    return ("valkey",)


def detail(stack: Stack, fault: Fault, target: str) -> dict[str, Any]:
    return {"streams": streams(stack)}


def inject(stack: Stack, detail: dict[str, Any]) -> None:
    with client(stack) as store:
        try:
            store.flushall()
        except valkey.ValkeyError as exc:
            raise ChaosError(f"valkey: FLUSHALL: {exc}") from exc


def momentary(detail: dict[str, Any]) -> bool:
    return True


def in_force(stack: Stack, detail: dict[str, Any]) -> bool:
    now = streams(stack)
    return any(now.get(key) != first for key, first in detail["streams"].items())


def undo(stack: Stack, detail: dict[str, Any]) -> None:
    """Nothing: the fronts append again."""


def undone(stack: Stack, detail: dict[str, Any]) -> bool:
    return True


def client(stack: Stack) -> valkey.Valkey:
    """Straight to Valkey, past every proxy, without repeats."""
    url = stack.addresses.valkey_url.replace("valkey://", "redis://", 1)
    return valkey.Valkey.from_url(url, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S, retry=None)


def streams(stack: Stack) -> dict[str, str]:
    """Stream → id of its first entry. Raises ChaosError when Valkey does not tell."""
    try:
        with client(stack) as store:
            found = {}
            for key in store.scan_iter(STREAMS, _type="stream"):
                first = store.xrange(key, count=1)
                found[key.decode()] = first[0][0].decode() if first else ""
            return found
    except valkey.ValkeyError as exc:
        raise ChaosError(f"valkey: {exc}") from exc
