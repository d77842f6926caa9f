"""Places of a front: how many clients may be connected, and which connection is closed for a new one.

Owns the registry of connections and their silence, counted in seconds. Knows no sockets: calls `cut` of the connection.
A connection that tapped a moment ago is never closed. Of the others, those that never tapped are closed first, the
longest silent before all.
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
"""Going over all connections takes so many turns, together a second, so that no tap waits for it."""
LOG_AGAIN_S: Final = 10.0
"""Seconds between two log lines of one kind."""
_AT_ONCE: Final = 256
"""How many connections one search may find."""


class Guest(Protocol):
    """A connection, as the registry sees it."""

    quiet: int
    """Seconds since something came, NEVER_SPOKE more where nothing ever did; only ever set to 0 by the connection."""
    tapped: bool
    """Whether a genuine tap came over it."""

    @property
    def waits(self) -> bool:
        """Is it owed an answer?"""
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
        self._logged_s: dict[str, float] = {}

    def admit(self) -> bool:
        """Is there a place for one more? One connection may be closed for it."""
        if len(self.taken) < self.most:
            return True
        self._pressed_s = self._now_s()
        guest = self._next_to_go()
        if guest is None:
            self.drop("full", "every place is taken by clients that tap: further ones are refused")
            return False
        del self.taken[guest]  # at once: its end is reported later, and it must not be closed twice
        guest.cut()
        self.drop("room", f"all {self.most} places were taken: the longest silent have to go")
        return True

    def turn(self) -> None:
        """Called TURNS times a second: each connection's silence grows by a second a second, and ends it at the
        limit.
        """
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
        """One connection less, for a reason: counted, and logged now and then."""
        self._metrics.connections_dropped[why] += 1
        if text and self._now_s() - self._logged_s.get(why, float("-inf")) >= LOG_AGAIN_S:
            self._logged_s[why] = self._now_s()
            counted = {"event": "connections_dropped", "why": why, "count": self._metrics.connections_dropped[why]}
            log.warning("%s (%d by now)", text, counted["count"], extra=counted)

    def _next_to_go(self) -> G | None:
        while self._to_go or self._look():
            guest = self._to_go.popleft()
            if guest in self.taken and self._may_go(guest):
                return guest
        return None

    def _look(self) -> bool:
        """Finds connections that may be closed. Where there is none, it does not search again within a turn, because a
        search goes over all of them.
        """
        if self._now_s() - self._in_vain_s < 1 / TURNS:
            return False
        free = [guest for guest in self.taken if self._may_go(guest)]
        # Stable: of connections that are silent equally long, the older one is closed first.
        self._to_go.extend(heapq.nsmallest(_AT_ONCE, free, key=lambda guest: (guest.tapped, -guest.quiet)))
        if not self._to_go:
            self._in_vain_s = self._now_s()
        return bool(self._to_go)

    def _may_go(self, guest: G) -> bool:
        return not guest.waits and (not guest.tapped or guest.quiet >= self._settings.recent_s)
