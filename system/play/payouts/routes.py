"""The routes of payouts."""

from __future__ import annotations

from aiohttp import web

from system.contract.ids import INT8_MAX
from system.contract.people import NoRealName
from system.contract.web import read_model
from system.ledger.transfer import Insufficient, KeyReused
from system.play.parameters import NumberParameter
from system.play.payouts import models, ordering
from system.play.payouts.bank import BELLS
from system.play.route import POOLS, SETTINGS, Route, user_of
from system.play.wallet.spending import MoneyProcessing
from system.web import answer

PAYOUT = NumberParameter("payout", "a payout's number", 0, INT8_MAX)


async def payouts_listed(request: web.Request) -> web.Response:
    """The user's payouts, newest first, with what became of each."""
    lane, uid = user_of(request)
    return answer(await ordering.listed(request.app[POOLS][lane], lane, uid))


async def payout_seen(request: web.Request) -> web.Response:
    """What became of one of the user's payouts."""
    lane, uid = user_of(request)
    return answer(await ordering.seen(request.app[POOLS][lane], lane, uid, PAYOUT.of(request)))


async def payout_ordered(request: web.Request) -> web.Response:
    """Pays out from the balance to the user's bank account: once for a key. *processing* until the bank has said what
    became of it. 202 while nobody knows whether it was ordered: ask again.
    """
    lane, uid = user_of(request)
    asked = await read_model(request, models.PayoutOrder)
    bank = request.app[SETTINGS].bank.of(lane)
    made = await ordering.order(request.app[POOLS][lane], lane, uid, asked, has_bank=bank is not None)
    request.app[BELLS][lane].set()
    return answer(made, 202 if made.state == "pending" else 200)


ROUTES: tuple[Route, ...] = (
    Route("GET", "/v1/payouts", payouts_listed, models.PayoutList, "user"),
    Route("GET", "/v1/payouts/{payout}", payout_seen, models.PayoutView, "user", (PAYOUT,)),
    Route(
        "POST", "/v1/payouts", payout_ordered, models.PayoutView, "user", body=models.PayoutOrder, pending=True,
        errors=(NoRealName, Insufficient, MoneyProcessing, KeyReused, ordering.NoBank),
    ),
)  # fmt: skip
