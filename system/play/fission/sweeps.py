"""Sweeps: what nobody claimed of a share goes back to the round's fission money, once. Source: docs/season.md, Fission.

Any number of processes may sweep: what one has locked, another leaves alone. Killed anywhere, the next sweep goes on.
"""

from __future__ import annotations

import asyncio
import logging

from aiohttp import web

from system.contract.errors import StoreRefused, StoreUnknown
from system.contract.ids import Lane
from system.ledger.access import Connection, Pool
from system.ledger.accounts import Leg
from system.ledger.many import transfer_many
from system.ledger.statements import statement
from system.ledger.transfer import Order
from system.play.fission import figures
from system.play.fission.returns import give_back
from system.play.route import POOLS

EVERY_S = 1.0
SHARES_MAX = 100
"""Most shares of one transaction."""

log = logging.getLogger("xiu.play")


async def sweep(pool: Pool, lane: Lane, limit: int = SHARES_MAX) -> int:
    """Settles at most `limit` shares that are over, in one transaction; how many. Raises StoreUnknown, StoreRefused."""
    async with pool.transaction("sweep") as conn:
        refunds = await _sweep(conn, lane, limit)
    figures.SHARES.labels(lane, "expired").inc(len(refunds))
    figures.REFUNDED.labels(lane).inc(sum(refunds.values()))
    return len(refunds)


async def _sweep(conn: Connection, lane: Lane, limit: int) -> dict[str, int]:
    """Fen paid back for each share that is settled now."""
    rows = await (await conn.execute(statement("sweep_due", lane), {"limit": limit})).fetchall()
    if not rows:
        return {}
    rounds = {str(award): int(number) for award, number in rows}
    # Statements of their own: what was claimed until the lock was had is out of the account.
    clock = await (await conn.execute(statement("sweep_clock", lane))).fetchone()
    now_us = int(clock[0]) if clock else 0
    accounts = [f"share:{award}" for award in rounds]
    left = await (await conn.execute(statement("sweep_left", lane), {"accounts": accounts})).fetchall()
    if left:
        orders = [_refund(award, rounds[award], fen, paid_by) for award, fen, paid_by in left]
        await transfer_many(conn, lane, orders)
    await conn.execute(statement("sweep_settle", lane), {"awards": list(rounds), "at_us": now_us})
    return dict.fromkeys(rounds, 0) | {award: fen for award, fen, _ in left}


def _refund(award: str, round_id: int, fen: int, paid_by: int) -> Order:
    """What is left goes back where it came from. `paid_by`: the transfer that filled the share."""
    legs = (Leg(f"share:{award}", "fen", -fen), Leg(f"fission:{round_id}", "fen", fen))
    return Order("refund", f"refund:{award}", {"of": paid_by}, legs)


async def sweeps(app: web.Application) -> None:
    """Sweeps both lanes, until cancelled."""
    while True:
        more = False
        for lane, pool in app[POOLS].items():
            try:
                more = await sweep(pool, lane) == SHARES_MAX or more
                await give_back(pool, lane)
            except (StoreUnknown, StoreRefused) as exc:
                log.info("sweep: %s", exc, extra={"event": "sweep_unsettled"})
        if not more:
            await asyncio.sleep(EVERY_S)
