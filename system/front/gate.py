"""Release gate: when the k-th packet of this front's share may be won. Pure; the time is an argument.

Owns the schedule (start, pace, seeded jitter, catching up) and nothing else. Does not know who taps, or why a packet
may be withheld.
"""

from __future__ import annotations

from hashlib import blake2b
from math import ceil
from typing import Final

from system.front.seam import NEVER

_JITTER_BITS: Final = 32
CATCH_UP: Final = 2.0
"""After a pause, packets are released at no more than this many times the pace."""


class Gate:
    """The schedule of one front's share of one round. Times in microseconds of control's clock.

    Packet k (from 0) is due at start + release·(k + jitter_k) / quota, jitter in [0, 1) from the round's seed, at 100
    percent pace; another pace stretches what is still to come and leaves the past as it was.
    """

    __slots__ = ("_at_us", "_done_us", "_front", "_percent", "_seed", "gap_us", "quota", "start_us")

    def __init__(self, *, start_us: int, release_us: int, quota: int, seed: bytes, front: int) -> None:
        self.start_us = start_us
        self.quota = quota
        self.gap_us = release_us / quota if quota else 0.0
        self._seed = seed
        self._front = front
        self._percent = 100
        # At real time _at_us the schedule at 100 percent pace had reached _done_us.
        self._at_us: int = start_us
        self._done_us: float = 0.0

    def jitter(self, k: int) -> float:
        """A number in [0, 1), decided by the seed, the front and k alone."""
        digest = blake2b(b"%d:%d" % (self._front, k), key=self._seed, digest_size=4, person=b"xiu/gate").digest()
        return int.from_bytes(digest, "little") / (1 << _JITTER_BITS)

    def set_pace(self, percent: int, now_us: int) -> None:
        """From now on the schedule runs at `percent` of its pace."""
        if percent == self._percent:
            return
        now_us = max(now_us, self.start_us)
        self._done_us += (now_us - self._at_us) * self._percent / 100
        self._at_us = now_us
        self._percent = percent

    def resume(self, k: int, percent: int, now_us: int) -> None:
        """A new start in mid-round, after `k` packets were won: the earlier paces are not known.

        Computed as if `percent` had held throughout; packets that were released faster are not waited for.
        """
        passed = max(0, now_us - self.start_us)
        self._done_us = max(passed * percent / 100, min(passed, k * self.gap_us))
        self._at_us = self.start_us + passed
        self._percent = percent

    def opening(self, k: int, last_us: int) -> int:
        """When packet k may be won, `last_us` being the time of this front's last award (0 before the first).

        NEVER once the share is used up. Two awards lie at least half a gap apart, so that packets that nobody took, or
        that fell into a pause, are released at no more than twice the pace.
        """
        if k >= self.quota:
            return NEVER
        stretch = 100 / self._percent
        due = self._at_us + ((k + self.jitter(k)) * self.gap_us - self._done_us) * stretch
        return max(self.start_us, ceil(due), ceil(last_us + self.gap_us * stretch / CATCH_UP))
