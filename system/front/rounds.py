"""One round in a front: who won, what is on its way, when the next tap may win.

Owns reservation and settlement in memory, and the next opening (the time from which a tap wins). No I/O: `stream.py`
sends what stands in the queue. Awards nothing while anything that an award needs is in doubt: not ready, clock, switch,
window, lease, a slow append.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field, replace

from system.clock import AuthorityClock
from system.contract.api import FrontRound, RoundState
from system.contract.ids import LANES, Lane
from system.contract.records import FLAG_STRESS, MAX_RECORDS
from system.contract.routing import share
from system.front.gate import Gate
from system.front.lease import LeaseBook
from system.front.rebuild import Origin, Rebuilt
from system.front.seam import NEVER, SettledWin, Waiter
from system.front.waiters import Waiters
from system.lottery import award, make_round


@dataclass(slots=True)
class Conditions:
    """Conditions for every round of this front, or of one lane. Only sync changes them."""

    clock: AuthorityClock = field(default_factory=AuthorityClock)
    award_on: dict[Lane, bool] = field(default_factory=lambda: dict.fromkeys(LANES, True))
    percent: dict[Lane, int] = field(default_factory=lambda: dict.fromkeys(LANES, 100))
    serving: bool = False


class AwardRound:
    """A round of this front; implements `seam.DrawRound`."""

    def __init__(self, order: FrontRound, front: int, fronts: int, conditions: Conditions, waiters: Waiters) -> None:
        public = order.public
        seed = bytes.fromhex(order.seed)
        self.round_id = public.round
        self.lane = public.lane
        self.start_us = public.start_us
        self.end_us = public.end_us
        self.season = public.season or 0
        self.front = front
        self.had_epoch = order.epoch > 0
        """May an earlier start of this front have awarded already?"""
        self.flags = FLAG_STRESS if public.lane == "stress" else 0
        self.closed = False
        self.opening_us = NEVER
        self.settled: dict[int, SettledWin] = {}
        self.pending: dict[int, SettledWin] = {}
        self.origins: dict[int, Origin] = {}
        """The lease each packet came from, by user: an entry carries one lease, also when appended again."""
        self.state: RoundState = "armed"
        self.ready = False
        self.blocked = ""
        """Why a person has to decide; empty otherwise."""
        self.slow = False
        self.leases = LeaseBook()
        self.work = asyncio.Event()
        self.lease_work = asyncio.Event()
        self.closing = asyncio.Event()
        self.over = asyncio.Event()
        self._idle = asyncio.Event()
        self._queue: deque[int] = deque()
        self._lottery = make_round(public.round, public.sponsors, seed)
        self._conditions = conditions
        self._waiters = waiters
        self._last_us = 0
        self._resumed = False
        self._gate = Gate(
            start_us=public.start_us,
            release_us=public.release_ms * 1000,
            quota=share(public.packets, front, fronts),
            seed=seed,
            front=front,
        )

    # The draw path's side: seam.DrawRound

    def award(self, uid: int, now_us: int, waiter: Waiter) -> bool:
        """See `seam.DrawRound`: reserves the user before anything is sent."""
        if uid in self.pending or uid in self.settled:
            raise ValueError(f"round {self.round_id}: user {uid} has a win already")
        self.refresh()  # the clock may have become untrusted since the opening was set
        if not self.opening_us <= now_us < self.end_us:
            return False
        drawn = self.leases.take()
        if drawn is None:
            return False
        sponsor, fen = award(self._lottery, drawn.packet)
        self.pending[uid] = SettledWin(drawn.packet, fen, sponsor, now_us)
        self.origins[uid] = (drawn.epoch, drawn.number)
        self._queue.append(uid)
        self._waiters.add(uid, waiter)
        self._last_us = now_us
        self.work.set()
        self.refresh()
        return True

    def amount(self, win: SettledWin) -> SettledWin:
        """The win with what its packet holds; as it is where the round has no such packet."""
        if not 0 <= win.packet < self._lottery.packets:
            return win
        sponsor, fen = award(self._lottery, win.packet)
        return replace(win, sponsor=sponsor, fen=fen)

    def join(self, uid: int, waiter: Waiter) -> None:
        """See `seam.DrawRound`."""
        self._waiters.add(uid, waiter)

    # The award path's side

    def refresh(self) -> None:
        """Sets the opening from everything on which it depends; called whenever any of that may have changed."""
        conditions = self._conditions
        now_us = conditions.clock.now_us()
        self._gate.set_pace(conditions.percent[self.lane], now_us)
        if self.leases.wanted() is not None:
            self.lease_work.set()
        may = (
            self.ready
            and not self.slow
            and self.state == "armed"
            and conditions.serving
            and conditions.award_on[self.lane]
            and self.leases.remaining > 0
            and conditions.clock.trusted
        )
        opening = self._gate.opening(len(self.settled) + len(self.pending), self._last_us) if may else NEVER
        self.opening_us = opening if opening < self.end_us else NEVER

    def hold(self) -> None:
        """An append takes longer than it should: no award until it is answered."""
        self.slow = True
        self.refresh()

    def release(self) -> None:
        """The append is answered."""
        self.slow = False
        self.refresh()

    def next_batch(self) -> tuple[int, list[int]] | None:
        """(lease number, users) of the next entry: what waits, of one lease, at most MAX_RECORDS; None if nothing."""
        queue = self._queue
        if not queue:
            self.work.clear()
            return None
        origin = self.origins[queue[0]]
        uids: list[int] = []
        while queue and len(uids) < MAX_RECORDS and self.origins[queue[0]] == origin:
            uids.append(queue.popleft())
        return origin[1], uids

    async def idle(self) -> None:
        """Returns once nothing is pending."""
        while self.pending:
            self._idle.clear()
            await self._idle.wait()

    def settle(self, uid: int) -> SettledWin | None:
        """The append of this user is durable: the answer from now on. None if the user was settled before."""
        win = self.pending.pop(uid, None)
        if win is not None:
            self.settled[uid] = win
            self._waiters.settle(uid, win)
            if not self.pending:
                self._idle.set()
        return win

    def suspend(self) -> None:
        """The epoch is lost: no award until the next one is rebuilt. The rebuild takes over what waits."""
        self.ready = False
        self.slow = False
        self._queue.clear()
        self.leases.reset(0)
        self.refresh()

    def adopt(self, found: Rebuilt) -> list[int]:
        """Takes the rebuilt winners. Users newly known to be durable are settled and returned; the missing ones of them
        stay pending, so that no user gets a win before it is stored.
        """
        missing = set(found.missing)
        durable: list[int] = []
        self.origins = found.origins
        for uid, win in found.winners.items():
            self._last_us = max(self._last_us, win.time_us)
            if uid in self.settled:
                continue
            self.pending[uid] = win
            if uid not in missing:
                self.settle(uid)
                durable.append(uid)
        return durable

    def arm(self, epoch: int) -> None:
        """Rebuilt: leases of this epoch may be asked for, awards may begin."""
        self.leases.reset(epoch)
        if self.had_epoch and not self._resumed:
            self._resumed = True
            self._gate.resume(len(self.settled), self._conditions.percent[self.lane], self._conditions.clock.now_us())
        self.ready = True
        self.refresh()

    def set_state(self, state: RoundState) -> None:
        """The round's state by control; it never goes back."""
        order = ("armed", "closing", "closed")
        if order.index(state) <= order.index(self.state):
            return
        self.state = state
        self.closing.set()
        if state == "closed":
            self.over.set()
        self.refresh()

    def finish(self, kept: dict[int, SettledWin]) -> None:
        """The closed ledger decides what is in doubt: `kept` in the user's name, posted or held in suspense, is won (a
        rebuild says so, too); anything else was not awarded.
        """
        for uid in list(self.pending):
            if uid in kept:
                self.pending[uid] = kept[uid]
                self.settle(uid)
            else:
                del self.pending[uid]
        self._idle.set()
        self._waiters.close()
        self.suspend()
        self.closed = True
