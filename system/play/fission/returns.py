"""Returns: what nobody has opened a share with goes back to the sponsors, when the time for shares of a round is over.

Owns when that is, and who gets how much of it. Any number of processes may return: a lock of the round lets one at it
at a time, after whoever opens a share. Killed anywhere, the next look goes on. Source: docs/season.md, Fission.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

from system.contract.ids import Lane
from system.ledger.access import Connection, Pool
from system.ledger.accounts import Leg
from system.ledger.statements import statement
from system.ledger.transfer import Insufficient, Order, transfer
from system.play.fission import figures

log = logging.getLogger("xiu.play")


async def give_back(pool: Pool, lane: Lane) -> int:
    """Returns what is left of every round that is over, a transaction each; the fen of all.

    Raises StoreUnknown, StoreRefused: what is not returned then is returned by the next call.
    """
    returned = 0
    for number, _ in await pool.fetch(statement("return_due", lane), {"round": None}, "rounds to return"):
        try:
            async with pool.transaction("return") as conn:
                fen = await _give_back(conn, lane, int(number))
        except Insufficient as exc:
            # An operator has just taken a funding back: the next look sees what is left.
            log.info("return of round %d: %s", number, exc, extra={"event": "return_waits", "lane": lane})
            continue
        figures.RETURNED.labels(lane).inc(fen)
        if fen:
            log.info("round %d: %d fen returned", number, fen, extra={"event": "fission_returned", "lane": lane})
        returned += fen
    return returned


async def _give_back(conn: Connection, lane: Lane, round_id: int) -> int:
    """Fen returned by this transaction; 0 where another was quicker."""
    key = {"round": round_id}
    await conn.execute(statement("return_lock", lane), key)
    # Statements of their own: what was opened until the lock was had is seen, and is a share that must settle first.
    due = await (await conn.execute(statement("return_due", lane), key)).fetchone()
    if due is None:
        return 0
    left = int(due[1])
    rows = await (await conn.execute(statement("return_paid", lane), key)).fetchall()
    # Once an operator takes a share back after this, there is money again: the next one has the next number.
    ((number,),) = await (await conn.execute(statement("return_count", lane), key)).fetchall()
    parts = parts_of(left, {str(account): int(fen) for account, fen in rows})
    legs = (Leg(f"fission:{round_id}", "fen", -left), *(Leg(account, "fen", fen) for account, fen in parts.items()))
    await transfer(conn, lane, Order("return", f"return:{round_id}:{number}", {"round": round_id}, legs))
    return left


def parts_of(left: int, paid_in: Mapping[str, int]) -> dict[str, int]:
    """Fen of what is left for each sponsor's account, as what it has in it: an exact sum, nobody more than he paid."""
    total, so_far, given = sum(paid_in.values()), 0, 0
    parts: dict[str, int] = {}
    for account in sorted(paid_in):
        so_far += paid_in[account]
        parts[account] = left * so_far // total - given
        given += parts[account]
    return parts
