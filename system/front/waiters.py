"""Who waits for which award, and until when. Owns that each waiter is called exactly once. No I/O.

No waiter is called with a win before its append is durable: it gets the settled win, or None at its deadline.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import Protocol

from system.front.seam import SettledWin, Waiter

log = logging.getLogger(__name__)


class Timers(Protocol):
    """What is needed of an event loop: its clock in seconds, and a call at a later time of it."""

    def time(self) -> float: ...

    def call_at(self, when: float, callback: Callable[[], object]) -> asyncio.TimerHandle: ...


class _Ticket:
    __slots__ = ("due", "uid", "waiter")

    def __init__(self, uid: int, waiter: Waiter, due: float) -> None:
        self.uid = uid
        self.waiter: Waiter | None = waiter
        self.due = due

    def tell(self, win: SettledWin | None) -> None:
        waiter, self.waiter = self.waiter, None
        if waiter is None:
            return
        try:
            waiter(win)
        except Exception:  # one broken connection must not keep the others from their answers
            log.exception("waiter failed", extra={"event": "waiter_failed"})


class Waiters:
    """Waiters of one round, in the order they came. All have the same deadline, so one timer serves them all."""

    def __init__(self, deadline_s: float, timers: Timers) -> None:
        self._deadline_s = deadline_s
        self._timers = timers
        self._queue: deque[_Ticket] = deque()
        self._by_uid: dict[int, deque[_Ticket]] = {}
        self._timer: asyncio.TimerHandle | None = None

    def add(self, uid: int, waiter: Waiter) -> None:
        """Tells `waiter` when `uid` is settled, or None after the deadline."""
        ticket = _Ticket(uid, waiter, self._timers.time() + self._deadline_s)
        self._queue.append(ticket)
        self._by_uid.setdefault(uid, deque()).append(ticket)
        self._set_timer()

    def settle(self, uid: int, win: SettledWin | None) -> None:
        """The result of `uid`: called for every waiter that is left."""
        for ticket in self._by_uid.pop(uid, ()):
            ticket.tell(win)

    def expire(self) -> None:
        """Calls every waiter whose deadline has passed with None, and sets the timer for the next."""
        now = self._timers.time()
        queue = self._queue
        self._timer = None
        while queue and (queue[0].waiter is None or queue[0].due <= now):
            ticket = queue.popleft()
            if ticket.waiter is None:
                continue
            own = self._by_uid[ticket.uid]
            own.popleft()
            if not own:
                del self._by_uid[ticket.uid]
            ticket.tell(None)
        self._set_timer()

    def _set_timer(self) -> None:
        """For the first in the queue, if it is not set: a waiter that came back at once may have done so."""
        if self._queue and self._timer is None:
            self._timer = self._timers.call_at(self._queue[0].due, self.expire)

    def close(self) -> None:
        """Calls all that are left with None."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for uid in list(self._by_uid):
            self.settle(uid, None)
        self._queue.clear()
