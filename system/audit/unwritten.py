"""Waits a moment for what fronts counted and did not write yet, before the audit looks. Changes nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Final

from system.contract.ids import Lane
from system.ledger.access import Connection
from system.ledger.statements import statement

PATIENCE_S: Final = 4.0
"""A front writes once a second; whatever takes longer is judged as it stands."""
AGAIN_S: Final = 0.1


async def wait_for_counts(conn: Connection, lane: Lane, rounds: Sequence[int], patience_s: float = PATIENCE_S) -> None:
    """Until every front has written what it counted in those of the rounds that closed within the last minute.

    Raises the driver's errors.
    """
    if (await (await conn.execute(statement("audit_counting_there", lane))).fetchone() or (None,))[0] is None:
        return  # a ledger of an older version
    until = time.monotonic() + patience_s
    while time.monotonic() < until:
        row = await (await conn.execute(statement("audit_unwritten", lane), {"rounds": list(rounds)})).fetchone()
        if row is None or not row[0]:
            return
        await asyncio.sleep(AGAIN_S)
