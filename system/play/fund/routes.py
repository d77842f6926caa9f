"""The money fund's routes."""

from __future__ import annotations

from aiohttp import web

from system.contract.people import NoRealName
from system.contract.web import read_model
from system.ledger.transfer import Insufficient, KeyReused
from system.play.fund import buying, models
from system.play.route import POOLS, Route, user_of
from system.play.wallet.models import TransferView
from system.web import answer


async def fund_holding(request: web.Request) -> web.Response:
    """What the user has in the money fund."""
    lane, uid = user_of(request)
    return answer(await buying.holding(request.app[POOLS][lane], lane, uid))


async def fund_purchase(request: web.Request) -> web.Response:
    """Buys parts of the money fund from the balance: once for a key. 202 while nobody knows: ask again."""
    return await _order(request, "purchase")


async def fund_sale(request: web.Request) -> web.Response:
    """Sells parts of the money fund back to the balance: once for a key. 202 while nobody knows: ask again."""
    return await _order(request, "sale")


async def _order(request: web.Request, way: buying.FundWay) -> web.Response:
    lane, uid = user_of(request)
    asked = await read_model(request, models.FundOrder)
    done = await buying.order(request.app[POOLS][lane], lane, uid, way, asked)
    return answer(done, 202 if done.state == "pending" else 200)


_ERRORS = (NoRealName, Insufficient, KeyReused)
ROUTES: tuple[Route, ...] = (
    Route("GET", "/v1/fund", fund_holding, models.FundView, "user"),
    Route(
        "POST", "/v1/fund/purchase", fund_purchase, TransferView, "user", body=models.FundOrder, errors=_ERRORS,
        pending=True,
    ),
    Route(
        "POST", "/v1/fund/sale", fund_sale, TransferView, "user", body=models.FundOrder, errors=_ERRORS, pending=True,
    ),
)  # fmt: skip
