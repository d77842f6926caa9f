"""The money fund's routes."""

from __future__ import annotations

from aiohttp import web

from system.contract.people import NoRealName
from system.contract.web import read_model
from system.ledger.transfer import Insufficient, KeyReused
from system.play.fund import buying, models
from system.play.route import POOLS, Route, user_of
from system.play.wallet.models import TransferView
from system.play.wallet.spending import MoneyProcessing
from system.web import answer


async def fund_holding(request: web.Request) -> web.Response:
    """What the user has in the money fund."""
    lane, uid = user_of(request)
    return answer(await buying.holding(request.app[POOLS][lane], lane, uid))


async def fund_purchase(request: web.Request) -> web.Response:
    """Buys parts of the money fund from the balance: once for a key. 202 while nobody knows: ask again."""
    lane, uid = user_of(request)
    asked = await read_model(request, models.FundPurchase)
    return _told(await buying.purchase(request.app[POOLS][lane], lane, uid, asked))


async def fund_sale(request: web.Request) -> web.Response:
    """Sells parts of the money fund back to the balance: once for a key. 202 while nobody knows: ask again."""
    lane, uid = user_of(request)
    asked = await read_model(request, models.FundOrder)
    return _told(await buying.order(request.app[POOLS][lane], lane, uid, "sale", asked))


def _told(done: TransferView) -> web.Response:
    return answer(done, 202 if done.state == "pending" else 200)


_ERRORS = (NoRealName, Insufficient, KeyReused)
ROUTES: tuple[Route, ...] = (
    Route("GET", "/v1/fund", fund_holding, models.FundView, "user"),
    Route(
        "POST", "/v1/fund/purchase", fund_purchase, TransferView, "user", body=models.FundPurchase,
        errors=(*_ERRORS, MoneyProcessing), pending=True,
    ),
    Route(
        "POST", "/v1/fund/sale", fund_sale, TransferView, "user", body=models.FundOrder, errors=_ERRORS, pending=True,
    ),
)  # fmt: skip
