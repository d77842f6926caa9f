"""Valkey as fault kinds and probes see it: asked directly, past every proxy, without repeats."""

from __future__ import annotations

import valkey

from chaos.errors import ChaosError
from harness.stack import Stack
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
