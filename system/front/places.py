"""Places of a front: how many clients may be connected, and who has to go when one more comes.

Owns the registry of connections and their silence, counted in seconds. Refuses sockets: whoever has to go is told.
Nobody goes who has tapped a moment ago; of the others those that never tapped go first, the longest silent before all.
"""

from __future__ import annotations

import heapq
import logging
import resource
from collections import deque
from collections.abc import Callable
from typing import Final, Generic, Protocol, TypeVar

from system.contract.errors import SettingsError
from system.front.metrics import FrontMetrics
from system.settings import FrontSettings

log = logging.getLogger(__name__)

NEVER_SPOKE: Final = 1 << 32
"""Added to the silence of a connection on which nothing ever came."""
TURNS: Final = 20
"""A look at everybody takes so many turns, a second together: nobody's tap waits for it."""
SAID_AGAIN_S: Final = 10.0
"""One line of the log at most so often for each kind."""
_AT_ONCE: Final = 256
"""So many who have to go are found in one look."""


class Guest(Protocol):
    """A connection, as far as its place goes."""

    quiet: int
    """Seconds since something came, NEVER_SPOKE more where nothing ever did; only ever set to 0 by the connection."""
    tapped: bool
    """Whether a genuine tap came over it."""

    @property
    def waits(self) -> bool:
        """Whether it is owed an answer."""
        ...

    def cut(self) -> None:
        """Ends the connection at once."""
        ...


G = TypeVar("G", bound=Guest)


def raise_file_limit(settings: FrontSettings) -> None:
    """As many open files as the settings want and the hard limit allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = settings.connections_max + settings.files_reserved
    wanted = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def places_of(settings: FrontSettings) -> int:
    """How many clients may be connected at once under the limit of open files. Raises SettingsError."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return settings.connections_max
    places = min(settings.connections_max, soft - settings.files_reserved)
    if places < 1:
        raise SettingsError(
            f"{soft} open files leave no place for a client; expected more than {settings.files_reserved} (ulimit -n)"
        )
    return places


class Places(Generic[G]):
    """Who is connected, in the order of arrival. `now_s` is a clock that never steps."""

    def __init__(self, settings: FrontSettings, metrics: FrontMetrics, now_s: Callable[[], float]) -> None:
        self.taken: dict[G, None] = {}
        self.most = metrics.places = places_of(settings)
        self._settings = settings
        self._metrics = metrics
        self._now_s = now_s
        self._to_go: deque[G] = deque()
        self._in_vain_s = self._pressed_s = float("-inf")
        self._turns: list[list[G]] = []
        self._said: dict[str, float] = {}

    def admit(self) -> bool:
        """Whether one more may come. One may have to go for it."""
        if len(self.taken) < self.most:
            return True
        self._pressed_s = self._now_s()
        guest = self._next_to_go()
        if guest is None:
            self.drop("full", "every place is taken by clients that tap: further ones are refused")
            return False
        del self.taken[guest]  # at once: its end is heard of later, and it must not be asked to go twice
        guest.cut()
        self.drop("room", f"all {self.most} places were taken: the longest silent have to go")
        return True

    def turn(self) -> None:
        """Called TURNS times a second: everybody's silence grows by a second a second, and comes to its end."""
        if not self._turns:
            guests = list(self.taken)
            self._turns = [guests[n::TURNS] for n in range(TURNS)]
        settings = self._settings
        pressed = self._now_s() - self._pressed_s < settings.first_word_s
        first_word_s = NEVER_SPOKE + (settings.request_timeout_s if pressed else settings.first_word_s)
        for guest in self._turns.pop():
            guest.quiet = quiet = guest.quiet + 1
            if quiet < settings.idle_s or guest not in self.taken:
                continue
            if quiet >= first_word_s:
                guest.cut()
                self.drop("silent", "clients that said nothing are cut off")
            elif quiet < NEVER_SPOKE and not guest.waits:
                guest.cut()
                self.drop("idle", "")

    def drop(self, why: str, text: str) -> None:
        """One connection less for a reason: counted, and said now and then."""
        self._metrics.connections_dropped[why] += 1
        if text and self._now_s() - self._said.get(why, float("-inf")) >= SAID_AGAIN_S:
            self._said[why] = self._now_s()
            counted = {"event": "connections_dropped", "why": why, "count": self._metrics.connections_dropped[why]}
            log.warning("%s (%d by now)", text, counted["count"], extra=counted)

    def _next_to_go(self) -> G | None:
        while self._to_go or self._look():
            guest = self._to_go.popleft()
            if guest in self.taken and self._may_go(guest):
                return guest
        return None

    def _look(self) -> bool:
        """Finds who may go. Where nobody may, not again within a turn, for it takes everybody into view."""
        if self._now_s() - self._in_vain_s < 1 / TURNS:
            return False
        free = [guest for guest in self.taken if self._may_go(guest)]
        # Stable: of those that are silent equally long, who came first goes first.
        self._to_go.extend(heapq.nsmallest(_AT_ONCE, free, key=lambda guest: (guest.tapped, -guest.quiet)))
        if not self._to_go:
            self._in_vain_s = self._now_s()
        return bool(self._to_go)

    def _may_go(self, guest: G) -> bool:
        return not guest.waits and (not guest.tapped or guest.quiet >= self._settings.recent_s)
