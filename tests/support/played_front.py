"""A front's part in a round, played through the API and the real win log; and credit, the real worker."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from prometheus_client import CollectorRegistry

from system.contract.api import SponsorSplit
from system.contract.ids import Lane
from system.contract.records import FLAG_STRESS
from system.credit.metrics import CreditMetrics
from system.credit.switches import Switches
from system.credit.worker import Worker
from system.lottery import award, make_round
from system.settings import CreditSettings
from system.winlog import Verdict, Win, encode
from system.winlog.codec import Header
from tests.support.control import SECRET, SPONSORS, Api


class PlayedFront:
    """One start of one front in one round."""

    def __init__(self, api: Api, round_id: int, front: int = 0, lane: Lane = "live") -> None:
        self.api, self.round_id, self.front, self.lane = api, round_id, front, lane
        self.instance = self.epoch = self.sequence = 0
        self.lease_lo = 0

    async def start(self) -> PlayedFront:
        self.instance = await self.api.register(self.front)
        await self.new_epoch()
        return self

    async def new_epoch(self) -> None:
        self.epoch = await self.api.epoch(self.round_id, self.instance, self.front)
        self.sequence = 0

    async def lease(self, number: int = 1) -> tuple[int, int]:
        status, answer = await self.api.lease(self.round_id, self.instance, self.epoch, number, self.front)
        assert status == 200, answer
        self.lease_lo = answer["lo"]
        return answer["lo"], answer["hi"]

    def entry(self, wins: Sequence[tuple[int, int]], over_fen: int = 0) -> bytes:
        """The bytes of the next entry; wins are (uid, packet). `over_fen`: each says so much more than its packet."""
        held = self.api.control.view.round(self.round_id)
        splits = [SponsorSplit.model_validate(item, strict=False) for item in SPONSORS]
        lottery = make_round(self.round_id, splits, bytes.fromhex(held.seed))
        flags = FLAG_STRESS if self.lane == "stress" else 0
        rows = []
        for uid, packet in wins:
            sponsor, fen = award(lottery, packet)
            rows.append(Win(packet, fen + over_fen, uid, self.api.clock(), sponsor, flags))
        return encode(Header(self.lane, self.round_id, self.front, self.epoch, self.sequence + 1, 1), rows)

    async def append(self, *wins: tuple[int, int], over_fen: int = 0) -> Verdict:
        entry = self.entry(wins, over_fen)
        self.sequence += 1
        log = self.api.control.winlog.stream(0, self.lane, self.round_id, self.front)
        return await log.append(entry, self.epoch, self.sequence)

    async def confirm(self) -> int:
        return (await self.api.confirm(self.round_id, self.instance, self.epoch, self.sequence, self.front))[0]


@asynccontextmanager
async def credit(api: Api, lane: Lane = "live") -> AsyncIterator[Worker]:
    """A credit worker, driven by `once`."""
    control = api.control
    settings = CreditSettings(
        0,
        lane,
        ("127.0.0.1", 0),
        control.settings.postgres_url,
        control.settings.valkey_url,
        "http://127.0.0.1:9",
        SECRET,
    )
    worker = Worker(
        settings, control.winlog, CreditMetrics(CollectorRegistry(), lane), Switches("http://127.0.0.1:9", "k", lane)
    )
    try:
        yield worker
    finally:
        await worker._drop()
