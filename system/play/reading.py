"""One read of the ledger for any play. Never writes."""

from __future__ import annotations

import logging
from typing import Any

from system.contract.errors import Degraded, StoreRefused, StoreUnknown
from system.contract.ids import Lane
from system.ledger.access import Pool
from system.ledger.statements import statement

log = logging.getLogger("xiu.play")


async def read(pool: Pool, lane: Lane, name: str, params: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Rows of one statement. Raises Degraded on any error: reading changes nothing."""
    try:
        return await pool.fetch(statement(name, lane), params, name)
    except (StoreUnknown, StoreRefused) as exc:
        # Where the ledger is, and why it is away, goes to the log: anybody may read this answer.
        log.info("%s: %s", name, exc, extra={"event": "ledger_silent"})
        raise Degraded("the ledger does not answer; nothing is lost, ask again") from exc
