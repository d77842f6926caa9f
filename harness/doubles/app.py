"""The doubles over HTTP: `/bank/…` and `/sms/…`, each of whose answers bears the double's mark, and `/metrics` of both.

A call meets the mood first: the limit, the latency, an error. Then it is carried out, and then, perhaps, answered late.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Literal, get_args

from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client import Counter as PrometheusCounter
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from harness.doubles.books import BankBooks, BankEntry
from harness.doubles.mood import Mood, MoodSwings
from plans.metrics import METRICS
from system.contract.api import Model
from system.contract.errors import BadRequest, Conflict, TooFast, XiuError
from system.contract.ids import LANES, Lane
from system.contract.itself import tell_of_itself
from system.contract.parties import (
    BANK,
    DOUBLE_HEADER,
    LANE_HEADER,
    PARTIES,
    PATH,
    SMS,
    BankOrder,
    BankWord,
    DoubleCalls,
    PartyName,
    SmsMessage,
)
from system.contract.web import Handler, application, read_model

MOOD_PATH, CALLS_PATH = "/v1/mood", "/v1/calls"
_CALLS = next(metric for metric in METRICS if metric.name == "drill_double_calls_total")
Outcome = Literal["answered", "late", "error", "limited"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)


class OtherOrder(Conflict):
    """The name stands for another order."""

    code = "other_order"


class CallCounts(Model):
    """What a double was called for."""

    calls: tuple[DoubleCalls, ...]


@dataclass
class PartyDouble:
    """One of them: its mood, and what it was called for, by lane."""

    name: PartyName
    swings: MoodSwings
    called: PrometheusCounter
    counts: Counter[Lane] = field(default_factory=Counter)

    async def meet(self, request: web.Request) -> Lane:
        """The lane of a call that is to be carried out. Raises TooFast, XiuError, BadRequest: nothing was done."""
        lane = _lane(request)
        self.counts[lane] += 1
        if self.swings.too_many():
            self._count(lane, "limited")
            raise TooFast("too many calls in this second")
        await asyncio.sleep(self.swings.latency_s())
        if self.swings.chance(self.swings.mood.errors):
            self._count(lane, "error")
            raise XiuError("out of order")
        return lane

    async def answer(self, lane: Lane, model: Model, status: int = 200) -> web.Response:
        """The answer of what was carried out, late for some."""
        late = self.swings.chance(self.swings.mood.late)
        self._count(lane, "late" if late else "answered")
        if late:
            await asyncio.sleep(self.swings.mood.late_ms / 1000)
        return _json(model, status)

    def _count(self, lane: Lane, outcome: Outcome) -> None:
        self.called.labels(self.name, lane, outcome).inc()


def _lane(request: web.Request) -> Lane:
    text = request.headers.get(LANE_HEADER)
    for lane in LANES:
        if text == lane:
            return lane
    raise BadRequest(f"the header {LANE_HEADER} is missing or wrong; expected one of {', '.join(LANES)}")


def _json(model: Model, status: int = 200) -> web.Response:
    return web.Response(body=model.model_dump_json().encode(), status=status, content_type="application/json")


def _bank(double: PartyDouble, books: BankBooks) -> Handler:
    async def payout(request: web.Request) -> web.StreamResponse:
        name, order = request.match_info["order"], await read_model(request, BankOrder)
        lane = await double.meet(request)
        known = books.find(name)
        if known is not None and known.order != order:
            raise OtherOrder("this name stands for another order")
        mood = double.swings.mood
        if known is None and double.swings.chance(mood.processing):
            return await double.answer(lane, BankWord(order=name, state="processing"), 202)
        if known is None:
            no = double.swings.chance(mood.refusals)
            word = BankWord(order=name, state="refused" if no else "paid", why="no such account" if no else "")
            known = BankEntry(lane=lane, order=order, word=word)
            books.decide(known)
        return await double.answer(lane, known.word)

    return payout


def _sms(double: PartyDouble) -> Handler:
    async def message(request: web.Request) -> web.StreamResponse:
        sent = await read_model(request, SmsMessage)
        return await double.answer(await double.meet(request), sent)

    return message


def _beside(double: PartyDouble, books: BankBooks) -> tuple[web.RouteDef, ...]:
    """What every double says of itself, and lets be set."""

    async def says(_: web.Request) -> web.Response:
        return web.json_response({"double": double.name})

    async def mood(_: web.Request) -> web.Response:
        return _json(double.swings.mood)

    async def set_mood(request: web.Request) -> web.Response:
        double.swings.mood = await read_model(request, Mood)
        return _json(double.swings.mood)

    async def calls(_: web.Request) -> web.Response:
        paid = books.paid_fen() if double.name == BANK.name else Counter[Lane]()
        rows = tuple(DoubleCalls(lane=lane, calls=double.counts[lane], fen=paid[lane]) for lane in LANES)
        return _json(CallCounts(calls=rows))

    at = f"/{double.name}"
    return (
        web.get(at + PATH, says), web.get(at + MOOD_PATH, mood), web.put(at + MOOD_PATH, set_mood),
        web.get(at + CALLS_PATH, calls),
    )  # fmt: skip


@web.middleware
async def _marked(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every answer below a party's path bears its double's mark, also an error's."""
    answer = await handler(request)
    name = request.path.split("/")[1]
    if any(party.name == name for party in PARTIES):
        answer.headers[DOUBLE_HEADER] = name
    return answer


def build_app(folder: Path, moods: Mapping[PartyName, Mood], seed: int = 1) -> web.Application:
    """All doubles; the bank's books lie in `folder`."""
    registry = CollectorRegistry()
    tell_of_itself(registry, "drill")
    called = PrometheusCounter(_CALLS.name, _CALLS.help, _CALLS.labels, registry=registry)
    for party, lane, outcome in product(PARTIES, LANES, OUTCOMES):  # nobody called: 0, never no sample
        called.labels(party.name, lane, outcome)
    app, books = application(), BankBooks(folder)
    app.middlewares.insert(0, _marked)
    doubles = {
        party.name: PartyDouble(party.name, MoodSwings(moods[party.name], seed + k, time.monotonic), called)
        for k, party in enumerate(PARTIES)
    }
    bank, sms = doubles[BANK.name], doubles[SMS.name]
    app.router.add_put("/bank/v1/payouts/{order}", _bank(bank, books))
    app.router.add_post("/sms/v1/messages", _sms(sms))
    for double in doubles.values():
        app.router.add_routes(_beside(double, books))

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def ready(_: web.Request) -> web.Response:
        return web.json_response({"status": "ready"})

    async def closed(_: web.Application) -> None:
        books.close()

    app.router.add_get("/metrics", metrics)
    app.router.add_get("/readyz", ready)
    app.router.add_get("/healthz", ready)
    app.on_cleanup.append(closed)
    return app
