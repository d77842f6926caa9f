"""The wallet's routes: a user's balance and statement, sponsors' accounts, many users at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from system.contract.errors import NotFound, UnknownRound
from system.contract.ids import INT8_MAX, Lane
from system.contract.people import NoRealName
from system.contract.web import read_model
from system.ledger.access import ONE_PLAN, lane_role
from system.ledger.standing import StandingStatement
from system.ledger.statements import statement as statement_of
from system.ledger.transfer import AlreadyReversed, Final, Insufficient, KeyReused, NotReversible
from system.play.parameters import AWARD_PATTERN, NumberParameter, TextParameter
from system.play.route import POOLS, SETTINGS, Route, user_of
from system.play.wallet import models, reading, spending
from system.play.wallet.balances import BalanceDesk
from system.play.wallet.paging import CURSOR
from system.web import answer

PAGE_MAX = 200
AWARD = TextParameter("award", "an award id, round-index, that the user was shown", AWARD_PATTERN)
AFTER = TextParameter("after", "`next` of the page before", CURSOR)
LIMIT = NumberParameter("limit", "lines of a page", 1, PAGE_MAX, 50)
TRANSFER = NumberParameter("transfer", "a transfer's number", 0, INT8_MAX)

BALANCES: web.AppKey[Mapping[Lane, BalanceDesk]] = web.AppKey("balances", Mapping)


def setup(app: web.Application) -> None:
    """One desk for each lane, with a session of its own: it has one statement under way at most."""
    given = app[SETTINGS]

    def standing(lane: Lane) -> StandingStatement:
        text = statement_of("balances", lane).replace(b"%(uids)s", b"$1")
        more: dict[str, Any] = {"timeout_s": given.store_timeout_s, "settings": ONE_PLAN, "what": "balances"}
        return StandingStatement(given.postgres_url, lane_role(lane), given.secret, text, **more)

    sessions = {lane: standing(lane) for lane in app[POOLS]}
    app[BALANCES] = {lane: BalanceDesk(session.ask, lane) for lane, session in sessions.items()}

    async def closed(_: web.Application) -> None:
        for session in sessions.values():
            await session.close()

    app.on_cleanup.append(closed)


async def wallet(request: web.Request) -> web.Response:
    """Balance of the user, and what became of the award asked about: *processing* until it is in the ledger."""
    lane, uid = user_of(request)
    desk, pool = request.app[BALANCES][lane], request.app[POOLS][lane]
    return answer(await reading.wallet(desk, pool, lane, uid, AWARD.of(request)))


async def statement(request: web.Request) -> web.Response:
    """All that moved the user's money, newest first, a page at a time: credits of the draw, and transfers."""
    lane, uid = user_of(request)
    pool = request.app[POOLS][lane]
    return answer(await reading.statement_page(pool, lane, uid, AFTER.of(request), LIMIT.of(request)))


async def bulk(request: web.Request) -> web.Response:
    """Every posting of up to 20,000 users at once; for the last read of a run."""
    order = await read_model(request, models.BulkRequest)
    return answer(await reading.bulk(request.app[POOLS][order.lane], order))


async def spend(request: web.Request) -> web.Response:
    """Spends from the user's balance: once for a key. 202 while nobody knows what became of it: ask again."""
    lane, uid = user_of(request)
    order = await read_model(request, models.Spending)
    return _transferred(await spending.spend(request.app[POOLS][lane], lane, uid, order))


async def reverse(request: web.Request) -> web.Response:
    """Undoes a transfer, once, in the name of two people."""
    order = await read_model(request, models.Reversal)
    return _transferred(await spending.reverse(request.app[POOLS][order.lane], TRANSFER.of(request), order))


def _transferred(view: models.TransferView) -> web.Response:
    return answer(view, 202 if view.state == "pending" else 200)


ROUTES: tuple[Route, ...] = (
    Route("GET", "/v1/wallet", wallet, models.Wallet, "user", (AWARD,), errors=(NotFound, UnknownRound)),
    Route("GET", "/v1/wallet/statement", statement, models.Statement, "user", (AFTER, LIMIT)),
    Route("POST", "/v1/wallets/bulk", bulk, models.BulkAnswer, "operator", body=models.BulkRequest),
    Route(
        "POST", "/v1/wallet/spend", spend, models.TransferView, "user", body=models.Spending,
        errors=(NoRealName, Insufficient, spending.MoneyProcessing, KeyReused), pending=True,
    ),
    Route(
        "POST", "/v1/transfers/{transfer}/reverse", reverse, models.TransferView, "operator", (TRANSFER,),
        body=models.Reversal, pending=True,
        errors=(models.OnePerson, AlreadyReversed, Final, NotReversible, Insufficient),
    ),
)  # fmt: skip
