"""The limiter: GCRA for each user in one preallocated table. Never grows, and never forgets a user who could still be
too fast.

An entry is (key, theoretical arrival time). An entry whose time has passed says the same as no entry, so only such
entries are replaced. Where a user's window of places holds none, the tap is refused.
"""

from __future__ import annotations

from array import array

WINDOW = 8
"""Places a key may stand in."""


class Limiter:
    """`rate_per_s` taps a second, bursts of `burst`, for up to `slots` (a power of two) users at once.

    Times are microseconds of any clock; one that steps back costs nobody more than a burst's worth of time.
    """

    __slots__ = (
        "_bits", "_bits_twice", "_interval", "_mask", "_reach", "_table", "_tolerance", "first", "full", "mark",
    )  # fmt: skip

    def __init__(self, rate_per_s: int, burst: int, slots: int) -> None:
        if slots < WINDOW or slots & (slots - 1):
            raise ValueError(f"{slots} slots; expected a power of two, at least {WINDOW}")
        self._interval = 1_000_000 // rate_per_s
        self._tolerance = self._interval * (burst - 1)
        self._reach = self._interval * burst
        self._mask = slots - 1
        self._bits = slots.bit_length() - 1
        self._bits_twice = 2 * self._bits
        # Key and time side by side: one cache line a tap. The last window runs over the end instead of wrapping.
        self._table = array("Q", [0]) * (2 * (slots + WINDOW))
        self.full = 0
        """Taps refused because no place was free."""
        self.mark = 0
        self.first = False
        """Of the tap allowed last: may it be the first of its user since `look_anew`? Never False for a first one."""

    def look_anew(self, now: int) -> None:
        """From `now` on every user's next tap counts as a first one."""
        # An entry's time is at most so far ahead of its last tap: an entry up to here may be older than `now`.
        self.mark = now + self._reach

    def allow(self, key: int, now: int) -> bool:
        """May the tap of `key` (below 2^64) pass at `now`? A refused tap does not count."""
        table = self._table
        # Folded, not multiplied: neighbouring users take neighbouring places, without big integers.
        place = ((key ^ key >> self._bits ^ key >> self._bits_twice) & self._mask) << 1
        if table[place] != key:
            place = self._find(key, place, now)
            if place < 0:
                return False
        place += 1
        due = table[place]
        if due <= now:
            self.first = due <= self.mark
            table[place] = now + self._interval
            return True
        if due - self._tolerance <= now:
            self.first = due <= self.mark
            table[place] = due + self._interval
            return True
        if due - self._reach > now:  # no tap goes that far ahead, so the clock went back
            self.first = True
            table[place] = now + self._interval
            return True
        return False

    def _find(self, key: int, first: int, now: int) -> int:
        """The place of `key`, else one of an entry whose time has passed, else −1."""
        table, reach = self._table, self._reach
        free = -1
        for place in range(first, first + 2 * WINDOW, 2):
            if table[place] == key:
                return place
            if free < 0 and not now < table[place + 1] <= now + reach:
                free = place
        if free < 0:
            self.full += 1
            return -1
        table[free] = key
        table[free + 1] = 0
        return free
