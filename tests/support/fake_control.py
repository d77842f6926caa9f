"""A control in memory for tests of the front: the same endpoints, the real fence in the real Valkey, and answers that
can be lost on purpose. Owns nothing durable; the real control is tested elsewhere.
"""

from __future__ import annotations

import base64
from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from aiohttp import web

from system.clock import wall_us
from system.contract.api import (
    ConfirmRequest,
    EpochRequest,
    FrontRound,
    LeaseGranted,
    LeaseRequest,
    LedgerView,
    RoundPublic,
    RoundState,
    SponsorSplit,
    SyncAnswer,
    SyncRequest,
)
from system.contract.errors import BadToken, Conflict, Superseded, XiuError
from system.contract.ids import START, Lane, Position
from system.contract.records import WIN_DTYPE
from system.contract.switches import defaults
from system.front.link import KEY_HEADER
from system.lottery import commitment, make_round
from system.tokens import internal_key
from system.winlog import Win, WinLogStore

SECRET = bytes(range(32))
SEED = bytes(range(32))
LEASE = 16


@dataclass
class FakeRound:
    """One round with one stream: front 0."""

    public: RoundPublic
    state: RoundState = "armed"
    epoch: int = 0
    next_packet: int = 0
    leases: dict[tuple[int, int], tuple[int, int]] = field(default_factory=dict)
    offset: Position = START
    posted: list[Win] = field(default_factory=list)
    held: list[Win] = field(default_factory=list)
    confirmed: list[Position] = field(default_factory=list)

    @property
    def order(self) -> FrontRound:
        public = self.public.model_copy(update={"state": self.state})
        return FrontRound(public=public, seed=SEED.hex(), epoch=self.epoch)


class FakeControl:
    """The endpoints a front calls. `lose` counts, by the last word of the path, answers still to be lost: the work is
    done, then the connection is cut. `down` cuts every call before anything is done.
    """

    def __init__(self, store: WinLogStore, cell: int = 0) -> None:
        self.store, self.cell = store, cell
        self.rounds: dict[int, FakeRound] = {}
        self.switches = defaults()
        self.lanes: dict[Lane, dict[str, int]] | None = None
        """None: a control of a version that knows no lanes."""
        self.instance = 0
        self.lose: Counter[str] = Counter()
        self.calls: Counter[str] = Counter()
        self.down = False
        self.skew_us = 0

    def add_round(
        self, round_id: int, *, lane: Lane = "live", packets: int = 1000, starts_in_s: float = 0.0,
        duration_s: float = 600.0, release_ms: int = 1,
    ) -> FakeRound:  # fmt: skip
        sponsors = (SponsorSplit(sponsor=7, name="Seven", classes=((100, packets - 1), (888, 1))),)
        start_us = wall_us() + int(starts_in_s * 1e6)
        self.rounds[round_id] = FakeRound(
            RoundPublic(
                round=round_id, lane=lane, state="armed", packets=packets, budget_fen=sponsors[0].budget_fen,
                start_us=start_us, end_us=start_us + int(duration_s * 1e6), release_ms=release_ms, sponsors=sponsors,
                commitment=commitment(make_round(round_id, sponsors, SEED)),
            )
        )  # fmt: skip
        return self.rounds[round_id]

    def app(self) -> web.Application:
        app = web.Application(middlewares=[self._answer])
        app.router.add_get("/v1/clock", self._clock)
        front = "/v1/fronts/{front}"
        app.router.add_post(f"{front}/register", self._register)
        app.router.add_post(f"{front}/sync", self._sync)
        app.router.add_post(f"{front}/rounds/{{round}}/epoch", self._epoch)
        app.router.add_post(f"{front}/rounds/{{round}}/lease", self._lease)
        app.router.add_get(f"{front}/rounds/{{round}}/ledger", self._ledger)
        app.router.add_post(f"{front}/rounds/{{round}}/confirm", self._confirm)
        return app

    @web.middleware
    async def _answer(self, request: web.Request, handler: object) -> web.StreamResponse:
        word = request.path.rsplit("/", 1)[-1]
        self.calls[word] += 1
        if self.down:
            _cut(request)
        try:
            if request.headers.get(KEY_HEADER) != internal_key(SECRET):
                raise BadToken("not the fronts' key")
            answer: web.StreamResponse = await handler(request)  # type: ignore[operator]
        except XiuError as exc:
            return web.json_response(exc.body(), status=exc.status)
        if self.lose[word] > 0:
            self.lose[word] -= 1
            _cut(request)
        return answer

    async def _clock(self, _: web.Request) -> web.Response:
        return web.json_response({"now_us": wall_us() + self.skew_us})

    async def _register(self, _: web.Request) -> web.Response:
        self.instance += 1
        return web.json_response({"instance": self.instance})

    def _newest(self, instance: int) -> None:
        if instance < self.instance:
            raise Superseded(f"instance {self.instance} is newer than {instance}")

    async def _sync(self, request: web.Request) -> web.Response:
        body = SyncRequest.model_validate_json(await request.read())
        self._newest(body.instance)
        orders = tuple(r.order for r in self.rounds.values())
        answer = SyncAnswer(now_us=wall_us(), rounds=orders, switches=self.switches, lanes=self.lanes)
        return web.json_response(text=answer.model_dump_json())

    async def _epoch(self, request: web.Request) -> web.Response:
        self._newest(EpochRequest.model_validate_json(await request.read()).instance)
        round_ = self._round(request)
        round_.epoch += 1
        public = round_.public
        await self.store.stream(self.cell, public.lane, public.round, 0).raise_fence(round_.epoch)
        return web.json_response({"epoch": round_.epoch})

    async def _lease(self, request: web.Request) -> web.Response:
        body = LeaseRequest.model_validate_json(await request.read())
        self._newest(body.instance)
        round_ = self._round(request)
        if body.epoch != round_.epoch or round_.state != "armed":
            raise Conflict("no lease for you")
        key = (body.epoch, body.number)
        if key not in round_.leases:
            assert body.number == 1 or (body.epoch, body.number - 1) in round_.leases, "a number was skipped"
            lo = round_.next_packet
            round_.next_packet = min(round_.public.packets, lo + LEASE)
            round_.leases[key] = (lo, round_.next_packet)
        lo, hi = round_.leases[key]
        return web.json_response(text=LeaseGranted(number=body.number, lo=lo, hi=hi).model_dump_json())

    async def _ledger(self, request: web.Request) -> web.Response:
        self._newest(int(request.query["instance"]))
        round_ = self._round(request)
        rows = np.zeros(len(round_.posted) + len(round_.held), dtype=WIN_DTYPE)
        for at, win in enumerate([*round_.posted, *round_.held]):
            for name, value in win._asdict().items():
                rows[at][name] = value
        view = LedgerView(
            offset_epoch=round_.offset.epoch, offset_sequence=round_.offset.sequence, granted=round_.epoch,
            state=round_.state, posted=len(round_.posted), suspended=len(round_.held), held=len(round_.held),
            records=base64.b64encode(rows.tobytes()).decode(),
        )  # fmt: skip
        return web.json_response(text=view.model_dump_json())

    async def _confirm(self, request: web.Request) -> web.Response:
        body = ConfirmRequest.model_validate_json(await request.read())
        self._newest(body.instance)
        round_ = self._round(request)
        if body.epoch != round_.epoch or round_.state != "closing":
            raise Conflict("not now")
        round_.confirmed.append(Position(body.epoch, body.sequence))
        return web.json_response({"confirmed": f"{body.epoch}-{body.sequence}"})

    def _round(self, request: web.Request) -> FakeRound:
        return self.rounds[int(request.match_info["round"])]


def _cut(request: web.Request) -> None:
    assert request.transport is not None
    request.transport.abort()
