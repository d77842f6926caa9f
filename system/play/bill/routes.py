"""The routes of shared bills."""

from __future__ import annotations

from aiohttp import web

from system.contract.ids import INT8_MAX
from system.contract.web import read_model
from system.play.bill import asking, models
from system.play.route import POOLS, Route, user_of
from system.play.wallet.models import TransferView
from system.web import answer, path_number


async def bills_asked(request: web.Request) -> web.Response:
    """The parts of bills that others ask of the user, newest first, with what became of each."""
    lane, uid = user_of(request)
    return answer(await asking.asked(request.app[POOLS][lane], lane, uid))


async def bill_ask(request: web.Request) -> web.Response:
    """Asks others for equal parts of a bill: once for a key. 202 while nobody knows what became of it: ask again."""
    lane, uid = user_of(request)
    order = await read_model(request, models.BillOrder)
    made = await asking.ask(request.app[POOLS][lane], lane, uid, order)
    return answer(made, 202 if made.state == "pending" else 200)


async def bill_seen(request: web.Request) -> web.Response:
    """A bill that the user paid or is asked for: everybody's part, and who has paid."""
    lane, uid = user_of(request)
    return answer(await asking.seen(request.app[POOLS][lane], lane, uid, path_number(request, "bill", INT8_MAX)))


async def bill_pay(request: web.Request) -> web.Response:
    """Pays the user's part of a bill, once. 202 while nobody knows what became of it: ask again."""
    lane, uid = user_of(request)
    number = path_number(request, "bill", INT8_MAX)
    order = await read_model(request, models.PartPayment)
    done = await asking.pay(request.app[POOLS][lane], lane, uid, number, order)
    return answer(done, 202 if done.state == "pending" else 200)


ROUTES: tuple[Route, ...] = (
    Route("GET", "/v1/bills", bills_asked, models.AskedParts, "user", errors=(400, 401, 403, 503)),
    Route(
        "POST", "/v1/bills", bill_ask, models.BillView, "user", body=models.BillOrder,
        errors=(400, 401, 403, 409, 503), pending=True,
    ),
    Route("GET", "/v1/bills/{bill}", bill_seen, models.BillView, "user", errors=(400, 401, 403, 404, 503)),
    Route(
        "POST", "/v1/bills/{bill}/pay", bill_pay, TransferView, "user", body=models.PartPayment,
        errors=(400, 401, 403, 404, 409, 503), pending=True,
    ),
)  # fmt: skip
