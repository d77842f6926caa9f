"""Tickets of a round that has a season: which losing tap has one, and its answer. No state beyond a second, no I/O.

A tap that has none costs two products and a comparison. The same user gets the same answer for a whole second.
Compiled with the hot path. Source: docs/season.md, "Tickets".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from system.contract.ids import Lane
from system.front import answers
from system.front.answers import HttpAnswer
from system.tickets import ONE_IN, PRIME, TicketOffice

if TYPE_CHECKING:  # the compiler's own whole numbers: nothing is looked up where they are added and multiplied
    from mypy_extensions import i64

_BITS: Final = 30
_MASK: Final = (1 << 30) - 1
_PRIME: Final = 1_073_741_789
_HIT_BELOW: Final = 1_073_741_789 // 128
_SECOND_US: Final = 1_000_000


class TicketBook:
    """The tickets of one round."""

    __slots__ = (
        "_before", "_from_us", "_high", "_key_id", "_keyed", "_lane", "_low", "_next_ms", "_office", "_round",
        "_season", "_second", "_shift", "_starts", "_until_us",
    )  # fmt: skip

    def __init__(self, office: TicketOffice, lane: Lane, season: int, round_id: int, key_id: int, next_ms: int) -> None:
        self._office = office
        self._lane: Lane = lane
        self._season = season
        self._round = round_id
        self._key_id = key_id
        self._before = f"{lane}.{season}.{round_id}."
        self._next_ms = next_ms
        self._keyed = office.keyed(key_id)
        self._starts: dict[int, HttpAnswer] = {}
        """By the length of a ticket: an answer with an empty place for one at its end."""
        self._second = 0
        self._from_us: i64 = 0
        self._until_us: i64 = 0
        self._low: i64 = 0
        self._high: i64 = 0
        self._shift: i64 = 0

    def answer(self, uid: int, now_us: int) -> HttpAnswer | None:
        """The losing answer with a ticket; None for a tap that has none: 127 of 128 (user, second)."""
        now: i64 = now_us
        if now < self._from_us or now >= self._until_us:
            self._turn(now_us)
        # Below 2³⁰ each, so that no product and no sum leaves 64 bits.
        user: i64 = uid
        mixed: i64 = ((user & _MASK) * self._low + (user >> _BITS & _MASK) * self._high + self._shift) % _PRIME
        return None if mixed >= _HIT_BELOW else self._made(uid)

    def _turn(self, now_us: int) -> None:
        """The nonce of another second."""
        second = now_us // _SECOND_US
        self._second = second
        self._from_us, self._until_us = second * _SECOND_US, (second + 1) * _SECOND_US
        self._low, self._high, self._shift = self._office.mix(self._lane, self._season, self._round, second)

    def _made(self, uid: int) -> HttpAnswer:
        # What is done for one tap in 128 meets cold caches, and costs several times what it would cost warm: so all but
        # the ticket is made beforehand, and no line of it is interpreted.
        payload = f"{self._before}{uid}.{self._second}.{self._key_id}"  # as `TicketOffice.write` has it
        mac = self._keyed()
        mac.update(payload.encode())
        end = f'{payload}.{mac.hexdigest()}"}}'.encode()
        start = self._starts.get(len(end))
        if start is None:
            whole = answers.losing_with(self._next_ms, end[:-2].decode())
            start = whole._replace(keep=whole.keep[: -len(end)], close=whole.close[: -len(end)])
            self._starts[len(end)] = start
        return tuple.__new__(
            HttpAnswer, (start.status, start.keep + end, start.close + end, start.kind, start.head_bytes)
        )


assert (_PRIME, _HIT_BELOW) == (PRIME, PRIME // ONE_IN)  # literals, since the compiler folds those of this file alone
