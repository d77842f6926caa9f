"""The limiter: GCRA for each user in one preallocated table. Never grows, never forgets who could still be too fast.

An entry is (key, theoretical arrival time). One whose time has passed says the same as no entry: only such are evicted;
where a user's window of places holds none, the tap is refused.
"""

from __future__ import annotations

from array import array

_MIX = 0x9E3779B97F4A7C15
_MASK = (1 << 64) - 1
WINDOW = 8
"""Places a key may stand in."""


class Limiter:
    """`rate_per_s` taps a second, bursts of `burst`, for up to `slots` (a power of two) users at once. Times in ns."""

    __slots__ = ("_interval", "_shift", "_table", "_tolerance", "full")

    def __init__(self, rate_per_s: int, burst: int, slots: int) -> None:
        if slots < WINDOW or slots & (slots - 1):
            raise ValueError(f"{slots} slots; expected a power of two, at least {WINDOW}")
        self._interval = 1_000_000_000 // rate_per_s
        self._tolerance = self._interval * (burst - 1)
        self._shift = 64 - (slots.bit_length() - 1)
        # Key and time side by side: one cache line a tap. The last window runs over the end instead of wrapping.
        self._table = array("Q", bytes(16 * (slots + WINDOW)))
        self.full = 0
        """Taps refused because no place was free."""

    def allow(self, key: int, now: int) -> bool:
        """Whether the tap of `key` (below 2^64) may pass at `now`; a refused tap costs nothing."""
        table = self._table
        place = (key * _MIX & _MASK) >> self._shift << 1
        if table[place] != key:
            place = self._find(key, place, now)
            if place < 0:
                return False
        due = table[place + 1]
        if due <= now:
            table[place + 1] = now + self._interval
            return True
        if due - self._tolerance > now:
            return False
        table[place + 1] = due + self._interval
        return True

    def _find(self, key: int, first: int, now: int) -> int:
        """The place of `key`, else one taken over from an entry in the past, else −1."""
        table = self._table
        free = -1
        for place in range(first, first + 2 * WINDOW, 2):
            if table[place] == key:
                return place
            if free < 0 and table[place + 1] <= now:
                free = place
        if free < 0:
            self.full += 1
            return -1
        table[free] = key
        table[free + 1] = 0
        return free
