"""The routes of gifts of money."""

from __future__ import annotations

from aiohttp import web

from system.contract.people import NoRealName
from system.contract.web import read_model
from system.ledger.transfer import Insufficient, KeyReused
from system.play.present import giving, models
from system.play.route import POOLS, Route, user_of
from system.play.wallet.models import TransferView
from system.play.wallet.spending import MoneyProcessing
from system.web import answer


async def presents_seen(request: web.Request) -> web.Response:
    """The gifts of money that the user gave and was given, newest first."""
    lane, uid = user_of(request)
    return answer(await giving.seen(request.app[POOLS][lane], lane, uid))


async def present_give(request: web.Request) -> web.Response:
    """Gives money to a friend: once for a key. 202 while nobody knows what became of it: ask again."""
    lane, uid = user_of(request)
    order = await read_model(request, models.PresentOrder)
    done = await giving.give(request.app[POOLS][lane], lane, uid, order)
    return answer(done, 202 if done.state == "pending" else 200)


ROUTES: tuple[Route, ...] = (
    Route("GET", "/v1/presents", presents_seen, models.Presents, "user"),
    Route(
        "POST", "/v1/presents", present_give, TransferView, "user", body=models.PresentOrder, pending=True,
        errors=(giving.PresentToOneself, NoRealName, giving.NotFriends, Insufficient, MoneyProcessing, KeyReused),
    ),
)  # fmt: skip
