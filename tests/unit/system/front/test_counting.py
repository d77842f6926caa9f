"""Counts on their way to control: every second, each report under one number until control has it."""

from __future__ import annotations

import asyncio
import base64
import itertools
from collections.abc import Callable
from typing import Any, cast

from pyroaring import BitMap64

from system.contract.counts import CountsReport
from system.contract.errors import NotFound, StoreUnknown, XiuError
from system.front.counting import PARTS_MAX, Counting
from system.front.glimpse import Glimpse
from system.front.link import ControlApi


class Ears:
    """A control that only takes counts; it answers with what stands in `answers`, then takes all."""

    def __init__(self, *answers: XiuError | None) -> None:
        self.answers = list(answers)
        self.got: list[CountsReport] = []

    async def counts(self, body: CountsReport) -> None:
        self.got.append(body)
        if self.answers and (error := self.answers.pop(0)) is not None:
            raise error


class Eyes:
    """A draw that saw what a test says."""

    def __init__(self) -> None:
        self.seen: list[Glimpse] = []

    def take(self) -> list[Glimpse]:
        seen, self.seen = self.seen, []
        return seen


def people(report: CountsReport) -> list[set[int]]:
    return [set(BitMap64.deserialize(base64.b64decode(part.users))) if part.users else set() for part in report.parts]


def counting(ears: Ears, rounds: bool = True, clock: Callable[[], int] = lambda: 1_000) -> tuple[Eyes, Counting]:
    """A front that answers in round 7, and still knows round 6."""
    eyes = Eyes()
    return eyes, Counting(
        eyes, cast("ControlApi", ears), lambda: 3, clock, lambda: {6: False, 7: True} if rounds else {}
    )


def test_the_same_report_comes_again_until_control_has_it_and_what_was_seen_meanwhile_in_the_next() -> None:
    async def body() -> None:
        ears = Ears(StoreUnknown("away"), StoreUnknown("away"))
        eyes, counts = counting(ears)
        for users in ([1, 2, 1 << 62], [2, 3]):
            eyes.seen = [Glimpse(7, 0, 4, 1, users, {9: 1})]
            counts.gather()
            await counts.write()
        await counts.write()
        await counts.write()
        first, again, third, fourth = ears.got
        assert first == again == third
        assert (first.instance, first.number, people(first)) == (3, 1, [{1, 2, 1 << 62}])
        assert (fourth.number, people(fourth)) == (2, [{3}]), "user 2 is known of that minute"
        assert [(part.taps, part.too_fast, part.exposures) for part in fourth.parts] == [(4, 1, {9: 1})]

    asyncio.run(body())


def test_a_front_without_rounds_is_silent_one_with_rounds_says_that_nothing_is_left() -> None:
    async def body() -> None:
        for rounds, reports in ((True, 2), (False, 0)):
            ears = Ears()
            _, counts = counting(ears, rounds)
            for _ in range(2):
                counts.gather()
                assert await counts.write()
            assert [report.parts for report in ears.got] == [()] * reports
            assert [report.until_us for report in ears.got] == [1_000] * reports
            assert [report.rounds for report in ears.got] == [(7,)] * reports

    asyncio.run(body())


def test_an_orderly_stop_writes_the_last_report_behind_one_that_waits() -> None:
    async def body() -> None:
        ears = Ears(StoreUnknown("away"))
        eyes, counts = counting(ears)
        eyes.seen = [Glimpse(7, 0, 1, 0, [1], {})]
        counts.gather()
        await counts.write()
        eyes.seen = [Glimpse(7, 0, 1, 0, [2], {})]
        await counts.finish(5.0)
        assert [(report.number, report.last) for report in ears.got] == [(1, False), (1, False), (2, True)]
        assert people(ears.got[-1]) == [{2}]

    asyncio.run(body())


def test_a_control_that_does_not_count_holds_nothing_up() -> None:
    async def body() -> None:
        ears: Any = Ears(NotFound("no such route"))
        eyes, counts = counting(ears)
        eyes.seen = [Glimpse(7, 0, 1, 0, [1], {})]
        counts.gather()
        assert await counts.write()
        await counts.write()
        assert [report.number for report in ears.got] == [1, 2]

    asyncio.run(body())


def test_a_report_never_claims_what_is_not_in_it() -> None:
    """Neither while more parts wait for the next one, nor once a report was refused: what it held is nowhere."""

    async def body() -> None:
        ears, times = Ears(), itertools.count(1_000)
        eyes, counts = counting(ears, clock=lambda: next(times))
        counts.gather()
        await counts.write()
        eyes.seen = [Glimpse(7, minute, 1, 0, [1], {}) for minute in range(PARTS_MAX + 1)]
        counts.gather()
        await counts.write()
        await counts.write()
        assert [(len(report.parts), report.until_us) for report in ears.got] == [
            (0, 1_000), (PARTS_MAX, 1_000), (1, 1_001),
        ]  # fmt: skip
        ears.answers = [NotFound("no such round")]
        for uid in (2, 3):
            eyes.seen = [Glimpse(7, 0, 1, 0, [uid], {})]
            counts.gather()
            assert await counts.write()
        await counts.finish(5.0)
        lost, *after = ears.got[3:]
        assert (lost.number, lost.until_us) == (4, 1_002)
        assert [(report.number, report.until_us, report.last) for report in after] == [
            (5, 1_001, False), (6, 1_001, False),
        ]  # fmt: skip

    asyncio.run(body())
