"""Buying parts of the money fund from the balance, and selling them back: each one transfer (docs/season.md).

Owns keys and legs of both, and their figures. Refuses to decide what there is to buy from, or to sell: the ledger does,
under the accounts' locks.
"""

from __future__ import annotations

from typing import Literal

from system.contract.ids import LANES, Lane
from system.contract.people import AREAS, need_real_name, traits_of
from system.ledger.access import Pool
from system.ledger.accounts import Leg, fund, user
from system.ledger.transfer import Order
from system.play.fund.models import FundOrder, FundPurchase, FundView
from system.play.reading import read
from system.play.wallet.models import TransferView
from system.play.wallet.spending import counting_on, sent
from system.web import counter

FundWay = Literal["purchase", "sale"]
WAYS: tuple[FundWay, ...] = ("purchase", "sale")
MOVED = counter(None, "hongbao_fund_fen_total")
for _lane in LANES:
    for _way in WAYS:
        for _area in AREAS:
            MOVED.labels(_lane, _way, _area)


async def purchase(pool: Pool, lane: Lane, uid: int, asked: FundPurchase) -> TransferView:
    """Carries a purchase out, once for its key. Raises MoneyProcessing too, and else as `order` does."""
    async with counting_on(pool, lane, uid, asked.award):
        return await order(pool, lane, uid, "purchase", asked)


async def order(pool: Pool, lane: Lane, uid: int, way: FundWay, asked: FundOrder) -> TransferView:
    """Carries a purchase or a sale out, once for its key. Raises NoRealName, Insufficient, KeyReused, Degraded."""
    need_real_name(uid)
    into_fund = asked.fen if way == "purchase" else -asked.fen
    legs = (Leg(user(uid), "fen", -into_fund), Leg(fund(uid), "fen", into_fund))
    kind = f"fund_{way}"
    done = await sent(pool, lane, asked.key, Order(kind, f"{kind}:{uid}:{asked.key}", {"fen": asked.fen}, legs))
    if done.state == "done" and not done.again:
        MOVED.labels(lane, way, traits_of(uid).area).inc(asked.fen)
    return done


async def holding(pool: Pool, lane: Lane, uid: int) -> FundView:
    """What the user has in the fund. Raises Degraded."""
    rows = await read(pool, lane, "fund_holding", {"account": fund(uid)})
    return FundView(uid=uid, lane=lane, fen=rows[0][0] if rows else 0)
