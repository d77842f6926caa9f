"""One read of the ledger for any play. Never writes."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from system.contract.errors import Degraded, StoreRefused, StoreUnknown
from system.contract.ids import Lane
from system.ledger.access import Pool
from system.ledger.statements import statement

log = logging.getLogger("xiu.play")


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Any error of the ledger inside becomes Degraded: reading changes nothing."""
    try:
        yield
    except (StoreUnknown, StoreRefused) as exc:
        # Where the ledger is, and why it is away, goes to the log: anybody may read this answer.
        log.info("%s: %s", name, exc, extra={"event": "ledger_silent"})
        raise Degraded("the ledger does not answer; nothing is lost, ask again") from exc


async def read(pool: Pool, lane: Lane, name: str, params: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Rows of one statement. Raises Degraded."""
    with reading(name):
        return await pool.fetch(statement(name, lane), params, name)
