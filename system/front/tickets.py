"""Tickets of a round that has a season: which losing tap has one, and its answer. No state beyond a second, no I/O.

A tap that has none costs two products and a comparison. The same user gets the same answer for a whole second.
Compiled with the hot path. Source: docs/season.md, "Tickets".
"""

from __future__ import annotations

from typing import Final

from system.contract.ids import Lane
from system.front.answers import HttpAnswer, LosingWithTicket
from system.tickets import ONE_IN, PRIME, TicketOffice

_BITS: Final = 30
_MASK: Final = (1 << 30) - 1
_PRIME: Final = 1_073_741_789
_HIT_BELOW: Final = 1_073_741_789 // 128
_SECOND_US: Final = 1_000_000


class TicketBook:
    """The tickets of one round."""

    __slots__ = (
        "_before", "_form", "_high", "_key_id", "_lane", "_low", "_office", "_round", "_season", "_second", "_shift",
    )  # fmt: skip

    def __init__(self, office: TicketOffice, lane: Lane, season: int, round_id: int, key_id: int, next_ms: int) -> None:
        self._office = office
        self._lane: Lane = lane
        self._season = season
        self._round = round_id
        self._key_id = key_id
        self._before = f"{lane}.{season}.{round_id}."
        self._form = LosingWithTicket(next_ms)
        self._second = -1
        self._low = 0
        self._high = 0
        self._shift = 0

    def answer(self, uid: int, now_us: int) -> HttpAnswer | None:
        """The losing answer with a ticket; None for a tap that has none: 127 of 128 (user, second)."""
        second = now_us // _SECOND_US
        if second != self._second:
            self._second = second
            self._low, self._high, self._shift = self._office.mix(self._lane, self._season, self._round, second)
        # Below 2³⁰ each, so that every product and the sum are small integers of the compiled code.
        mixed = ((uid & _MASK) * self._low + (uid >> _BITS & _MASK) * self._high + self._shift) % _PRIME
        if mixed >= _HIT_BELOW:
            return None
        payload = f"{self._before}{uid}.{second}.{self._key_id}"  # as `TicketOffice.write` has it
        return self._form.answer(self._office.sign(self._key_id, payload))


assert (_PRIME, _HIT_BELOW) == (PRIME, PRIME // ONE_IN)  # literals, since the compiler folds those of this file alone
