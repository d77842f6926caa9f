"""Item *local ports*: a connection takes a port of this host; one port serves one connection to each front."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from harness.guard.precheck.shape import Checked, LoadItem, LoadRequest, checked, not_evaluated

PORT_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")


def look(ask: LoadRequest) -> Iterator[Checked]:
    try:
        low, high = (int(word) for word in PORT_RANGE.read_text(encoding="utf-8").split())
    except (OSError, ValueError):  # not Linux
        yield not_evaluated("this machine does not tell its range of local ports")
        return
    there, needed = high - low + 1, -(-min(ask.connections, ask.users) // ask.aims())
    says = f"{there:,} local ports for {needed:,} connections to a front"
    yield checked(there >= needed, says + ("" if there >= needed else f": widen {PORT_RANGE}"))


ITEM = LoadItem(
    17, "local ports", "the range of local ports, beside the connections to one front", "there are too few local ports",
    look,
)  # fmt: skip
