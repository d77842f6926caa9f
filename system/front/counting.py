"""Counting: taps, users and shown sponsors, gathered from the draw and written down at control once a second.

Owns the report on its way: the same one, under the same number, until control has it. What was not written when the
process is killed is lost, and shown as uncounted. Never on a tap's path.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import logging
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from pyroaring import BitMap64

from system.contract.counts import CountedPart, CountsReport
from system.contract.errors import StoreRefused, StoreUnknown, XiuError
from system.front.glimpse import Glimpse
from system.front.link import ControlApi

log = logging.getLogger(__name__)

GATHER_S: Final = 0.1
WRITE_S: Final = 1.0
LAST_TRIES: Final = 20
PARTS_MAX: Final = 200
"""Of one report; more wait for the next."""


class Seeing(Protocol):
    """What is needed of the draw."""

    def take(self) -> list[Glimpse]:
        """What was seen since the last call."""
        ...


@dataclass(slots=True)
class MinuteTally:
    """One round in one minute, since the last report. `known`: users reported before, `fresh`: those to be."""

    taps: int = 0
    too_fast: int = 0
    known: BitMap64 = field(default_factory=BitMap64)
    fresh: BitMap64 = field(default_factory=BitMap64)
    shown: Counter[int] = field(default_factory=Counter)

    def add(self, seen: Glimpse) -> None:
        """Takes in what the draw saw of this minute."""
        self.taps += seen.taps
        self.too_fast += seen.too_fast
        self.fresh.update(seen.users)
        self.shown.update(seen.shown)

    @property
    def idle(self) -> bool:
        """Is there nothing to report?"""
        return not (self.taps or self.too_fast or self.shown or self.fresh)

    def part(self, round_id: int, minute_us: int) -> CountedPart:
        """What is new, once: as reported from now on."""
        users = self.fresh - self.known
        self.known |= users
        part = CountedPart(
            round=round_id, minute_us=minute_us, taps=self.taps, too_fast=self.too_fast,
            exposures=dict(self.shown), users=base64.b64encode(users.serialize()).decode() if users else "",
        )  # fmt: skip
        self.taps = self.too_fast = 0
        self.fresh, self.shown = BitMap64(), Counter()
        return part


class Counting:
    """Counts of one start of a front. `rounds`: those that the front knows now, and in which of them it may still
    answer 200 or 202. While it knows any, control hears of it each second, also that nothing was to be counted.
    """

    def __init__(
        self, draw: Seeing, control: ControlApi, instance: Callable[[], int], now_us: Callable[[], int],
        rounds: Callable[[], Mapping[int, bool]],
    ) -> None:  # fmt: skip
        self._draw, self._control, self._instance, self._now_us, self._rounds = draw, control, instance, now_us, rounds
        self._minutes: dict[tuple[int, int], MinuteTally] = {}
        self._number = 0
        self._until_us = self._written_us = 0
        self._known: Mapping[int, bool] = {}
        self._waiting: CountsReport | None = None
        self._refused = False

    def gather(self) -> None:
        """Takes over what the draw has seen."""
        self._until_us, self._known = self._now_us(), self._rounds()
        for seen in self._draw.take():
            key = seen.round_id, seen.minute_us
            tally = self._minutes.get(key)
            if tally is None:
                tally = self._minutes[key] = MinuteTally()
            tally.add(seen)

    async def run(self) -> None:
        """Until cancelled."""
        loop = asyncio.get_running_loop()
        due = loop.time() + WRITE_S
        while True:
            await asyncio.sleep(GATHER_S)
            self.gather()
            if loop.time() >= due:
                await self.write()
                due = loop.time() + WRITE_S

    async def write(self, *, last: bool = False) -> bool:
        """One report, if there is something to say; whether nothing is left unsaid. Never raises."""
        if not self._instance():
            return False
        report = self._waiting or self._next(last)
        if report is None:
            return True
        self._waiting = report
        try:
            await self._control.counts(report)
        except (StoreUnknown, StoreRefused) as exc:
            log.info("counts wait: %s", exc, extra={"event": "counts_wait"})
            return False
        except XiuError as exc:
            # Refused for good (a control of an older version does not count): what follows must not wait for it.
            if not self._refused:
                log.error("counts refused: %s", exc, extra={"event": "counts_refused"})
            # What it held is lost: from there on nothing is complete, and the end is no orderly one.
            self._refused = True
        else:
            self._written_us = report.until_us
        self._waiting = None
        return report.last or ((not last or self._refused) and all(tally.idle for tally in self._minutes.values()))

    async def finish(self, deadline_s: float) -> None:
        """The last report of an orderly stop: nothing stays uncounted, if control answers in time."""
        self.gather()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(deadline_s):
                for _ in range(LAST_TRIES):
                    if await self.write(last=True):
                        return
                    await asyncio.sleep(GATHER_S)

    def _next(self, last: bool) -> CountsReport | None:
        new = [key for key, tally in self._minutes.items() if not tally.idle]
        if not new and not last and not self._known:
            return None
        parts = tuple(self._minutes[key].part(*key) for key in new[:PARTS_MAX])
        self._forget()
        self._number += 1
        complete = len(new) <= PARTS_MAX and not self._refused
        return CountsReport(
            instance=self._instance(), number=self._number, last=last and complete,
            until_us=self._until_us if complete else self._written_us,
            rounds=tuple(number for number, answers in self._known.items() if answers), parts=parts,
        )  # fmt: skip

    def _forget(self) -> None:
        """A minute that is long over gets no new user: its known users are not needed any more."""
        old_us = self._until_us - 10 * 60_000_000
        for key in [key for key, tally in self._minutes.items() if key[1] < old_us and tally.idle]:
            del self._minutes[key]
