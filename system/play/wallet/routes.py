"""The wallet's routes: a user's balance and statement, sponsors' accounts, many users at once."""

from __future__ import annotations

from aiohttp import web

from system.contract.ids import INT8_MAX
from system.contract.web import read_model
from system.play.route import POOLS, Route, need_operator, user_of
from system.play.wallet import models, reading, spending
from system.web import answer, path_number, query_number

PAGE_MAX = 200


async def wallet(request: web.Request) -> web.Response:
    """Balance of the user, and what became of the award asked about: *processing* until it is in the ledger."""
    lane, uid = user_of(request)
    return answer(await reading.wallet(request.app[POOLS][lane], lane, uid, request.query.get("award")))


async def statement(request: web.Request) -> web.Response:
    """All that moved the user's money, newest first, a page at a time: credits of the draw, and transfers."""
    lane, uid = user_of(request)
    limit = query_number(request, "limit", 50, 1, PAGE_MAX)
    pool = request.app[POOLS][lane]
    return answer(await reading.statement_page(pool, lane, uid, request.query.get("after"), limit))


async def bulk(request: web.Request) -> web.Response:
    """Every posting of up to 20,000 users at once; for the last read of a run."""
    need_operator(request)
    order = await read_model(request, models.BulkRequest)
    return answer(await reading.bulk(request.app[POOLS][order.lane], order))


async def spend(request: web.Request) -> web.Response:
    """Spends from the user's balance: once for a key. 202 while nobody knows what became of it: ask again."""
    lane, uid = user_of(request)
    order = await read_model(request, models.Spending)
    return _transferred(await spending.spend(request.app[POOLS][lane], lane, uid, order))


async def reverse(request: web.Request) -> web.Response:
    """Undoes a transfer, once, in the name of two people."""
    need_operator(request)
    number = path_number(request, "transfer", INT8_MAX)
    order = await read_model(request, models.Reversal)
    return _transferred(await spending.reverse(request.app[POOLS][order.lane], number, order))


def _transferred(view: models.TransferView) -> web.Response:
    return answer(view, 202 if view.state == "pending" else 200)


ROUTES: tuple[Route, ...] = (
    Route(
        "GET", "/v1/wallet", wallet, models.Wallet, "user",
        (("award", "an award id, round-index, the user was shown"),), errors=(400, 401, 403, 404, 503),
    ),
    Route(
        "GET", "/v1/wallet/statement", statement, models.Statement, "user",
        (("after", "`next` of the page before"), ("limit", "lines of a page, 1 to 200, 50 if not given")),
        errors=(400, 401, 403, 503),
    ),
    Route("POST", "/v1/wallets/bulk", bulk, models.BulkAnswer, "operator", body=models.BulkRequest),
    Route(
        "POST", "/v1/wallet/spend", spend, models.TransferView, "user", body=models.Spending,
        errors=(400, 401, 403, 409, 503), pending=True,
    ),
    Route(
        "POST", "/v1/transfers/{transfer}/reverse", reverse, models.TransferView, "operator", body=models.Reversal,
        errors=(400, 401, 404, 409, 503), pending=True,
    ),
)  # fmt: skip
