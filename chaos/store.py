"""Valkey as fault kinds and probes see it: asked straight, past every proxy, without repeats."""

from __future__ import annotations

import valkey

from chaos.errors import ChaosError
from harness.stack import Stack

TIMEOUT_S = 5.0
STREAMS = "win:*"


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
