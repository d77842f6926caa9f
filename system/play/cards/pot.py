"""The pot of an ended season, paid batch by batch from the list that its end froze. Killed anywhere it goes on.

Owns the legs of a batch: blessing −1 and money + in one transfer, key `pot:{season}:{batch}`. Any number of processes
may pay at once. Refuses to look at who has a blessing now: the list decides.
"""

from __future__ import annotations

import asyncio
import logging

from aiohttp import web

from system.contract.errors import StoreRefused, XiuError
from system.contract.ids import Lane
from system.ledger.access import Pool
from system.ledger.accounts import Leg, user
from system.ledger.statements import statement
from system.ledger.transfer import Order, Pending, Transfers
from system.play.cards.metrics import POT_PAID, POT_WAITING
from system.play.route import POOLS

log = logging.getLogger("xiu.play")

LOOK_S = 0.5
AT_ONCE = 16
"""Batches of one look."""


async def pay_pots(app: web.Application) -> None:
    """Pays what is to be paid, for ever."""
    while True:
        for lane, pool in app[POOLS].items():
            try:
                while await pay_some(pool, lane):
                    pass
            except (XiuError, Pending) as exc:
                log.warning("pot of lane %s: %s; goes on", lane, exc, extra={"event": "pot_waits"})
        await asyncio.sleep(LOOK_S)


async def pay_some(pool: Pool, lane: Lane) -> int:
    """Pays the next batches that are not paid; how many. With none left, the season is over for good.

    Raises StoreUnknown, StoreRefused, Degraded, Pending: whatever is not paid then is paid by the next call.
    """
    rows = await pool.fetch(statement("cards_unpaid", lane), {"limit": AT_ONCE}, "unpaid batches of the pot")
    POT_WAITING.labels(lane).set(rows[0][-1] if rows else 0)
    for season, batch, kind, fen, sponsor, _ in rows:
        if kind == "shares":
            await _pay_shares(pool, lane, season, batch)
        else:
            to = f"rounding:{season}" if kind == "rest" else f"sponsor:{sponsor}"
            legs = (Leg(f"pot:{season}", "fen", -fen), Leg(to, "fen", fen))
            await Transfers(pool, lane).send(_order(season, batch, legs))
    if rows:
        async with pool.transaction("settle a season") as conn:
            await conn.execute(statement("cards_settle", lane))
    return len(rows)


async def _pay_shares(pool: Pool, lane: Lane, season: int, batch: int) -> None:
    shares = await pool.fetch(statement("cards_shares", lane), {"season": season, "batch": batch}, "shares of the pot")
    if not shares:
        raise StoreRefused(f"batch {batch} of season {season} has no users")
    paid = sum(fen for _, fen in shares)
    legs = [Leg(f"mint:{season}", "blessing", len(shares)), Leg(f"pot:{season}", "fen", -paid)]
    for uid, fen in shares:
        legs += [Leg(user(uid), "blessing", -1), Leg(user(uid), "fen", fen)]
    done = await Transfers(pool, lane).send(_order(season, batch, tuple(legs)))
    if not done.again:
        POT_PAID.labels(lane).inc(paid)


def _order(season: int, batch: int, legs: tuple[Leg, ...]) -> Order:
    return Order("pot", f"pot:{season}:{batch}", {"season": season, "batch": batch}, legs)
