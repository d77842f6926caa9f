"""Notices of large packets: who is told, what is dropped, and that the worker never waits for it, nor hears of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np

from system.contract.ids import Lane, Position, StreamName
from system.credit.notices import WAITING_MAX, Notices
from system.credit.post import Posted
from system.outside.caller import OutsideCaller, OutsideUnknown
from tests.support.deadline import until


@dataclass
class Gateway:
    """Takes what is sent; `gone`: it answers nobody; `wrong`: whoever calls it breaks."""

    sent: list[tuple[Lane, int, str]] = field(default_factory=list)
    lost: int = 0
    gone: bool = False
    wrong: bool = False

    async def call(self, lane: Lane, method: str, path: str, body: dict[str, Any]) -> None:
        if self.wrong:
            self.wrong = False
            raise RuntimeError("a bug")
        self.sent.append((lane, body["uid"], body["text"]))
        if self.gone:
            raise OutsideUnknown("away")

    def dropped(self, lane: Lane, count: int) -> None:
        self.lost += count


def batch(*fen: int) -> Posted:
    count = len(fen)
    uid = np.arange(1_000, 1_000 + count, dtype=np.uint64)
    name = StreamName("live", 1, 0)
    return Posted(name, Position(1, 1), count, sum(fen), 0, 0, 0, uid, uid, np.array(fen, dtype=np.uint32))


def told(gateway: Gateway, body: Callable[[Notices], Awaitable[None]]) -> None:
    async def go() -> None:
        notices = Notices("live", cast(OutsideCaller, gateway), 500)
        sending = asyncio.create_task(notices.send())
        try:
            await body(notices)
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)

    asyncio.run(go())


def test_packets_of_the_bound_and_above_are_told_once() -> None:
    gateway = Gateway()

    async def body(notices: Notices) -> None:
        notices.offer(batch(499, 500, 20_012))
        notices.offer(batch(1))

        async def sent() -> bool:
            return len(gateway.sent) == 2

        await until(sent, "two messages")

    told(gateway, body)
    assert gateway.sent == [
        ("live", 1_001, "您抢到的红包已到账：5.00元"), ("live", 1_002, "您抢到的红包已到账：200.12元"),
    ]  # fmt: skip


def test_what_has_no_room_is_dropped_and_counted_and_a_gateway_that_is_away_is_not_asked_again() -> None:
    gateway = Gateway(gone=True)

    async def body(notices: Notices) -> None:
        notices.offer(batch(*[500] * (WAITING_MAX - 1)))
        notices.offer(batch(*[500] * 5))
        assert gateway.lost == 4

        async def sent() -> bool:
            return len(gateway.sent) == WAITING_MAX

        await until(sent, "every message, once")
        notices.offer(batch(500))

        async def more() -> bool:
            return len(gateway.sent) == WAITING_MAX + 1

        await until(more, "there is room again")

    told(gateway, body)
    assert gateway.lost == 4


def test_a_bug_in_a_notice_ends_nothing() -> None:
    gateway = Gateway(wrong=True)

    async def body(notices: Notices) -> None:
        notices.offer(batch(500, 600))

        async def sent() -> bool:
            return len(gateway.sent) == 1

        await until(sent, "the other message")

    told(gateway, body)
