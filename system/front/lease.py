"""Leases of one stream in one epoch: which packet comes next, when to ask for more. Pure.

Owns numbers (from 1 in each epoch, each accepted once) and held ranges. Holds at most two leases, and uses none of an
older epoch.
"""

from __future__ import annotations

from collections import deque
from typing import Final, NamedTuple

HELD_MAX: Final = 2


class Drawn(NamedTuple):
    """A packet index and the lease it comes from."""

    packet: int
    epoch: int
    number: int


class LeaseBook:
    """The packets that this front may still award. Reset by every epoch, which abandons what was held."""

    __slots__ = ("_held", "_size", "_top", "dry", "epoch", "remaining")

    def __init__(self) -> None:
        self.reset(0)

    def reset(self, epoch: int) -> None:
        """A new epoch: nothing held, numbers from 1 again."""
        self.epoch = epoch
        self.remaining = 0
        self.dry = False
        """The pool answered that no packet is left."""
        self._held: deque[list[int]] = deque()  # [number, next, hi]
        self._top = 0
        self._size = 0

    def wanted(self) -> int | None:
        """The number to ask for now, or None. Stays the same until that number is accepted."""
        if self.dry or not self.epoch or len(self._held) >= HELD_MAX:
            return None
        return self._top + 1 if 2 * self.remaining <= self._size else None

    def accept(self, epoch: int, number: int, lo: int, hi: int) -> bool:
        """Takes a granted range [lo, hi) into use. False, without a change, for an answer that came before or too
        late.
        """
        if epoch != self.epoch or number != self._top + 1 or self.dry:
            return False
        self._top = number
        if lo >= hi:
            self.dry = True
            return True
        self._held.append([number, lo, hi])
        self._size = hi - lo
        self.remaining += hi - lo
        return True

    def take(self) -> Drawn | None:
        """The next packet index, or None when nothing is held."""
        if not self._held:
            return None
        first = self._held[0]
        number, packet, hi = first
        if packet + 1 == hi:
            self._held.popleft()
        else:
            first[1] = packet + 1
        self.remaining -= 1
        return Drawn(packet, self.epoch, number)
