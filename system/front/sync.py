"""Reads the rounds, the switches and the time from control, ten times a second. Owns the keepers of all rounds.

Stops serving once a newer instance is known.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import Final

from system.clock import AuthorityClock, wall_us
from system.contract.api import FrontRound, SyncAnswer, SyncRequest
from system.contract.errors import NotFound, StoreRefused, StoreUnknown, XiuError
from system.contract.ids import LANES
from system.contract.programme import ClockReading
from system.contract.switches import Tables, tables
from system.front.link import ControlApi
from system.front.metrics import FrontMetrics
from system.front.rounds import AwardRound, Conditions
from system.front.seam import DrawRound
from system.front.stream import StreamKeeper
from system.front.waiters import Waiters
from system.settings import FrontSettings
from system.winlog import WinLogStore

log = logging.getLogger(__name__)

DOUBT_MAX_US: Final = 10_000
"""A reading of the time with a larger doubt (by its round trip) may confirm the clock, and does not move it."""
CLOCK_INTERVAL_S: Final = 1.0
CLOCK_FIRST_S: Final = 0.1
ANSWERED_WITHIN_US: Final = 2_000_000
"""How long after a sync the list of rounds counts as complete: as long as one call may take."""
KEEP_CLOSED_S: Final = 60.0
REGISTER_PAUSE_S: Final = 0.2
OPEN_WITHIN_S: Final = 5.0


def feed(clock: AuthorityClock, authority_us: int, sent_at: int, received_at: int) -> None:
    """Hands the clock one reading. After a slow round trip (a frozen process, a slow link) the middle may be far from
    the moment when control read its clock: such a reading only says whether the known time is possible.
    """
    doubt_us = (received_at - sent_at) // 2
    known_us = sent_at + doubt_us + clock.offset_us
    if clock.trusted and doubt_us > DOUBT_MAX_US and abs(authority_us - known_us) <= doubt_us:
        authority_us = known_us
    clock.feed(authority_us, sent_at, received_at)


def clock_reading(clock: AuthorityClock) -> ClockReading | None:
    """What control is told of this front's knowledge of its time."""
    uncertain_us = clock.uncertain_us
    return (
        None if uncertain_us is None else ClockReading(offset_us=clock.now_us() - wall_us(), uncertain_us=uncertain_us)
    )


class FrontState:
    """Implements `seam.FrontContext`: what the draw path reads."""

    def __init__(self, clock: AuthorityClock | None = None) -> None:
        self.clock = clock or AuthorityClock()
        self.conditions = Conditions(self.clock)
        self.rounds: dict[int, DrawRound] = {}
        self.switches: Tables = tables()
        self.serving = False
        """From the first sync, with the rounds of an earlier start rebuilt, until stopped or superseded."""
        self.learning: set[int] = set()
        """Rounds that control has named and that are not served yet: their winners are still being looked up."""
        self._answered_us = -ANSWERED_WITHIN_US

    def start(self) -> None:
        """Taps are served from now on."""
        self.serving = True
        self.conditions.serving = True

    def stop(self) -> None:
        """No award and no new tap from now on."""
        self.serving = False
        self.conditions.serving = False

    def now_us(self) -> int:
        """Control's time."""
        return self.clock.now_us()

    def answered(self) -> None:
        """Control has named every round that exists."""
        self._answered_us = self.clock.monotonic()

    def knows(self, round_id: int) -> bool:
        """See `seam.FrontContext`. A silent control may have opened a round meanwhile."""
        current = self.clock.monotonic() - self._answered_us <= ANSWERED_WITHIN_US
        return current and round_id not in self.learning


class Sync:
    """Follows control until superseded or stopped. One per process start."""

    def __init__(
        self, state: FrontState, control: ControlApi, store: WinLogStore, settings: FrontSettings, metrics: FrontMetrics
    ) -> None:
        self.state = state
        self.instance = 0
        self.keepers: dict[int, StreamKeeper] = {}
        self._control = control
        self._store = store
        self._settings = settings
        self._metrics = metrics
        self._group: asyncio.TaskGroup | None = None
        self._answered = True
        self._opened = False
        self._timed = asyncio.Event()
        self._stopping = False

    async def run(self) -> None:
        """Registers this start and serves. Raises Superseded (alone, never in a group) once a newer start is known."""
        try:
            self.instance = await self._register()
            async with asyncio.TaskGroup() as group:
                self._group = group
                group.create_task(self._clock_loop())
                group.create_task(self._sync_loop())
        except BaseExceptionGroup as several:
            # The first exception is the reason; those that its cancellation caused are not.
            raise several.exceptions[0] from several
        finally:
            self._stopping = True
            self.state.stop()
            self._refresh()

    async def settle(self, deadline_s: float) -> int:
        """Graceful stop: no new award; every append on its way gets its time. Returns how many stayed without an
        answer.
        """
        self._stopping = True
        self.state.stop()
        self._refresh()
        until = asyncio.get_running_loop().time() + deadline_s
        left = self._pending()
        while left and asyncio.get_running_loop().time() < until:
            await asyncio.sleep(0.01)
            left = self._pending()
        return left

    def answering(self) -> dict[int, bool]:
        """Every round that is known, and whether taps in it may still be answered: also one whose winners are still
        being looked up, until it is closed.
        """
        served = {number: not round_.closed for number, round_ in self.state.rounds.items()}
        return served | {number: not keeper.round.closed for number, keeper in self.keepers.items()}

    def _pending(self) -> int:
        return sum(len(keeper.round.pending) for keeper in self.keepers.values() if not keeper.round.blocked)

    async def _register(self) -> int:
        while True:
            try:
                return (await self._control.register()).instance
            except (StoreUnknown, StoreRefused, NotFound) as exc:
                log.warning("no control yet: %s", exc, extra={"event": "register_again"})
            await asyncio.sleep(REGISTER_PAUSE_S)

    async def _clock_loop(self) -> None:
        clock = self.state.clock
        while True:
            sent = clock.monotonic()
            try:
                authority_us = await self._control.clock()
            except XiuError as exc:
                self._note(exc)
            else:
                feed(clock, authority_us, sent, clock.monotonic())
                self._timed.set()
            self._metrics.set_clock((clock.now_us() - wall_us()) / 1e6, clock.trusted)
            self._refresh()
            await asyncio.sleep(CLOCK_INTERVAL_S if clock.trusted else CLOCK_FIRST_S)

    async def _sync_loop(self) -> None:
        while True:
            reports = tuple(keeper.report() for keeper in self.keepers.values())
            try:
                body = SyncRequest(instance=self.instance, streams=reports)
                answer = await self._control.sync(body, clock_reading(self.state.clock))
            except (StoreUnknown, StoreRefused, NotFound) as exc:
                self._note(exc)
            else:
                self._note(None)
                await self._take(answer)
                self.state.answered()
            self._refresh()
            await asyncio.sleep(self._settings.sync_interval_s)

    def _note(self, error: XiuError | None) -> None:
        """One log line when control falls silent, one when it is heard again."""
        if self._answered and error is not None:
            log.warning("control is silent: %s", error, extra={"event": "control_silent"})
        elif not self._answered and error is None:
            log.info("control is heard again", extra={"event": "control_heard"})
        self._answered = error is None

    async def _take(self, answer: SyncAnswer) -> None:
        state = self.state
        # A control of an older version names no lanes: its values hold in both.
        switches = tables(answer.switches if answer.lanes is None else None, answer.lanes)
        if switches != state.switches:
            state.switches = switches
            for lane, table in switches.items():
                state.conditions.award_on[lane] = table["draw.award"] != 0
                state.conditions.percent[lane] = table["draw.release_percent"]
            log.info("switches", extra={"event": "switches", **{str(lane): table for lane, table in switches.items()}})
        self._metrics.set_switches(state.switches)
        named = set()
        for order in answer.rounds:
            named.add(order.public.round)
            keeper = self.keepers.get(order.public.round)
            if keeper is None:
                self._adopt(order)
            else:
                keeper.round.set_state(order.public.state)
        for round_id, keeper in list(self.keepers.items()):
            if round_id not in named and not keeper.round.over.is_set():
                await self._missed(keeper)
        if not self._opened and self._group is not None:
            self._opened = True
            self._group.create_task(self._open())

    async def _missed(self, keeper: StreamKeeper) -> None:
        """A round that control no longer names: it was closed while control could not be heard."""
        try:
            view = await self._control.ledger(keeper.round.round_id, self.instance)
        except (StoreUnknown, StoreRefused, NotFound):
            return  # asked again with the next sync; only the ledger ends a round
        keeper.round.set_state(view.state)

    def _adopt(self, order: FrontRound) -> None:
        round_id, settings = order.public.round, self._settings
        if order.public.round in self.state.rounds:
            return
        waiters = Waiters(settings.tap_deadline_s, asyncio.get_running_loop())
        round_ = AwardRound(order, settings.front, len(settings.topology.fronts), self.state.conditions, waiters)
        stream = self._store.stream(settings.cell, round_.lane, round_id, settings.front)
        keeper = StreamKeeper(round_, stream, self._control, self.instance, settings, self._metrics)
        round_.set_state(order.public.state)
        self.keepers[round_id] = keeper
        if not round_.had_epoch or not self.state.serving:
            # Either no user can have won yet, or every tap is refused until the round is rebuilt.
            self.state.rounds[round_id] = round_
        else:
            self.state.learning.add(round_id)
        log.info("round learned", extra={"event": "round_learned", "round": round_id, "lane": round_.lane})
        assert self._group is not None
        self._group.create_task(self._keep(keeper))
        self._group.create_task(self._publish(keeper))

    async def _open(self) -> None:
        """Serves once control's time is known and the rounds of an earlier start are rebuilt: no winner may get a loss,
        and no tap may get *over* by a wrong clock. A round that cannot be rebuilt delays the others only for a moment;
        its taps are refused as degraded until it can.
        """
        await self._timed.wait()
        old = [keeper for keeper in self.keepers.values() if keeper.round.had_epoch]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(OPEN_WITHIN_S):
                for keeper in old:
                    await keeper.known.wait()
        for keeper in old:
            if not keeper.known.is_set():
                self.state.learning.add(keeper.round.round_id)
                self.state.rounds.pop(keeper.round.round_id, None)
        if not self._stopping:
            self.state.start()
            self._refresh()

    async def _publish(self, keeper: StreamKeeper) -> None:
        await keeper.known.wait()
        self.state.rounds[keeper.round.round_id] = keeper.round
        self.state.learning.discard(keeper.round.round_id)

    async def _keep(self, keeper: StreamKeeper) -> None:
        await keeper.run()
        round_id = keeper.round.round_id
        del self.keepers[round_id]
        # 410 for a minute more, then 404: nothing of the round stays in memory.
        await asyncio.sleep(KEEP_CLOSED_S)
        self.state.rounds.pop(round_id, None)

    def _refresh(self) -> None:
        """Openings and gauges follow the clock, the switches and the rounds."""
        for lane in LANES:
            rounds = [keeper.round for keeper in self.keepers.values() if keeper.round.lane == lane]
            for round_ in rounds:
                round_.refresh()
            self._metrics.set_pending(lane, sum(len(r.pending) for r in rounds))
            self._metrics.set_lease_remaining(lane, sum(r.leases.remaining for r in rounds))
            self._metrics.set_ready_rounds(lane, sum(r.ready for r in rounds))
            self._metrics.set_blocked_rounds(lane, sum(bool(r.blocked) for r in rounds))
