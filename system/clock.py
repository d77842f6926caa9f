"""Time: the clocks of the process, and control's clock as the process knows it. Reads the host's clocks, else pure."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

JUMP_LIMIT_US = 50_000
"""A change of offset above this is a jump: the front still answers, but awards nothing until two readings agree."""
DRIFT_PPM = 200
"""Two clocks may go apart so many microseconds a second; quartz clocks do by less."""


def wall_us() -> int:
    """Microseconds since 1970, the host's wall clock."""
    return time.time_ns() // 1000


def monotonic_us() -> int:
    """Microseconds of a clock that never steps."""
    return time.monotonic_ns() // 1000


@dataclass(slots=True)
class AuthorityClock:
    """Follows control's clock over a round trip: offset = control's reading − middle of the round trip on the own
    monotonic clock.

    `trusted` is False until a reading has come, after a jump of more than 50 ms until two readings agree again, and
    when the last good reading is older than `stale_after_us`. `now_us` is always usable for answers; only awards need
    trust.
    """

    monotonic: Callable[[], int] = monotonic_us
    stale_after_us: int = 30_000_000
    offset_us: int = field(default_factory=lambda: wall_us() - monotonic_us())
    jumps: int = 0
    _known: bool = False
    _suspect: int | None = None
    _read_at: int = 0
    _doubt_us: int = 0
    _doubt_at: int = 0

    def feed(self, authority_us: int, sent_at: int, received_at: int) -> bool:
        """Takes one reading; returns whether the clock is trusted afterwards."""
        offset = authority_us - (sent_at + received_at) // 2
        doubt = (received_at - sent_at + 1) // 2
        # What is known may itself be wrong by its doubt: behind a slow first reading, a quick one is no jump.
        slack = JUMP_LIMIT_US + (received_at - sent_at) // 2 + (self._uncertain(received_at) if self._known else 0)
        if not self._known and self._suspect is None:
            self._accept(offset, received_at, doubt)
        elif self._suspect is not None:
            if abs(offset - self._suspect) <= slack:
                self._suspect = None
                self._accept(offset, received_at, doubt)
            else:
                self._suspect = offset
        elif abs(offset - self.offset_us) > slack:
            self.jumps += 1
            self._known = False
            self._suspect = offset
        else:
            self._accept(offset, received_at, doubt)
        return self.trusted

    def _accept(self, offset: int, at: int, doubt: int) -> None:
        # A slow reading that only confirms the offset says nothing worse of it than was known before.
        if not self._known or offset != self.offset_us or doubt < self._uncertain(at):
            self._doubt_us, self._doubt_at = doubt, at
        self.offset_us, self._known, self._read_at = offset, True, at

    def _uncertain(self, at: int) -> int:
        return self._doubt_us + max(0, at - self._doubt_at) * DRIFT_PPM // 1_000_000

    def now_us(self) -> int:
        """Control's time, as well as it is known."""
        return self.monotonic() + self.offset_us

    @property
    def uncertain_us(self) -> int | None:
        """By how much `now_us` may be wrong: half the round trip of the reading it comes from, and the drift since.
        None while the offset is not known.
        """
        return self._uncertain(self.monotonic()) if self.trusted else None

    @property
    def trusted(self) -> bool:
        """May packets be awarded by this clock?"""
        return self._known and self.monotonic() - self._read_at <= self.stale_after_us
