"""The routes of shared bills."""

from __future__ import annotations

from aiohttp import web

from system.contract.ids import INT8_MAX
from system.contract.people import NoRealName
from system.contract.web import read_model
from system.ledger.transfer import Insufficient, KeyReused
from system.play.bill import asking, models, splitting
from system.play.parameters import NumberParameter
from system.play.route import POOLS, Route, user_of
from system.play.wallet.models import TransferView
from system.play.wallet.spending import MoneyProcessing
from system.web import answer

BILL = NumberParameter("bill", "a bill's number", 0, INT8_MAX)


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
    return answer(await asking.seen(request.app[POOLS][lane], lane, uid, BILL.of(request)))


async def bill_pay(request: web.Request) -> web.Response:
    """Pays the user's part of a bill, once. 202 while nobody knows what became of it: ask again."""
    lane, uid = user_of(request)
    order = await read_model(request, models.PartPayment)
    done = await asking.pay(request.app[POOLS][lane], lane, uid, BILL.of(request), order)
    return answer(done, 202 if done.state == "pending" else 200)


ROUTES: tuple[Route, ...] = (
    Route("GET", "/v1/bills", bills_asked, models.AskedParts, "user"),
    Route(
        "POST", "/v1/bills", bill_ask, models.BillView, "user", body=models.BillOrder, pending=True,
        errors=(NoRealName, splitting.SelfBill, splitting.AskedTwice, splitting.BillTooSmall, KeyReused),
    ),
    Route("GET", "/v1/bills/{bill}", bill_seen, models.BillView, "user", (BILL,)),
    Route(
        "POST", "/v1/bills/{bill}/pay", bill_pay, TransferView, "user", (BILL,), body=models.PartPayment, pending=True,
        errors=(NoRealName, asking.OtherAmount, asking.PartReversed, Insufficient, MoneyProcessing, KeyReused),
    ),
)  # fmt: skip
