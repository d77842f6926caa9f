"""Tickets: a right to a card of a season, as long as there are cards. Pure; keys are derived from the master secret.

Owns the nonce of a second, by which a front decides who has one, and the ticket's text:
`lane.season.round.uid.second.key.mac`. Source: docs/season.md, "Tickets".
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass

from system.contract.errors import Refused
from system.contract.ids import INT8_MAX, LANES, ROUND_MAX, Lane
from system.contract.numbers import whole_number
from system.tokens import derive

ONE_IN = 128
"""Of so many (user, second), one has a ticket: 0.78 %."""
PRIME = 1_073_741_789
"""The largest prime below 2³⁰: every product of the mix stays a small integer of the compiled front."""
KEY_MAX = 255
TICKET_CHARS_MAX = 160
_MAC_BYTES = 16
_TEXT = re.compile(
    r"(live|stress)\.(\d{1,10})\.(\d{1,10})\.(\d{1,19})\.(\d{1,19})\.(\d{1,3})\.([0-9a-f]{32})", re.ASCII
)


class TicketForged(Refused):
    """Not a ticket of this system."""

    status, code = 403, "ticket_forged"


@dataclass(frozen=True, slots=True)
class Ticket:
    """A genuine ticket: of this user's tap in this round and second (since 1970, control's clock)."""

    lane: Lane
    season: int
    round: int
    uid: int
    second: int
    key_id: int


class TicketOffice:
    """Makes and reads tickets under one master secret."""

    __slots__ = ("_keyed", "_nonce_key", "_secret")

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._nonce_key = derive(secret, "ticket-nonce")
        self._keyed: dict[int, Callable[[], hashlib.blake2b]] = {}
        # By key: a keyed state that is copied for each ticket, which costs less than a new one.

    def mix(self, lane: Lane, season: int, round_id: int, second: int) -> tuple[int, int, int]:
        """The nonce of a second, as three numbers below PRIME, for `front.tickets`."""
        text = f"{lane}.{season}.{round_id}.{second}".encode()
        digest = hashlib.blake2b(text, key=self._nonce_key, digest_size=24).digest()
        low, high, shift = (int.from_bytes(digest[at : at + 8], "little") % PRIME for at in (0, 8, 16))
        return low, high, shift

    def write(self, ticket: Ticket) -> str:
        """The ticket's text; the same ticket always has the same."""
        payload = f"{ticket.lane}.{ticket.season}.{ticket.round}.{ticket.uid}.{ticket.second}.{ticket.key_id}"
        return f"{payload}.{self._mac(ticket.key_id, payload)}"

    def read(self, text: str) -> Ticket:
        """The ticket of a text. Raises TicketForged for any other text."""
        found = _TEXT.fullmatch(text) if len(text) <= TICKET_CHARS_MAX else None
        if found is None:
            raise TicketForged("this is no ticket; expected the `ticket` of a tap's answer, unchanged")
        lane, *numbers, mac = found.groups()
        season, round_id, uid, second, key_id = (
            whole_number(number, upper)
            for number, upper in zip(numbers, (ROUND_MAX, ROUND_MAX, INT8_MAX, INT8_MAX, KEY_MAX), strict=True)
        )
        if season is None or round_id is None or uid is None or second is None or not key_id:
            raise TicketForged("this ticket's numbers are none that a ticket has")
        if not hmac.compare_digest(self._mac(key_id, text.rpartition(".")[0]), mac):
            raise TicketForged("this ticket was not made by this system")
        return Ticket(next(each for each in LANES if each == lane), season, round_id, uid, second, key_id)

    def _mac(self, key_id: int, payload: str) -> str:
        mac = self.keyed(key_id)()
        mac.update(payload.encode())
        return mac.hexdigest()

    def keyed(self, key_id: int) -> Callable[[], hashlib.blake2b]:
        """Makes the MAC of one ticket under this key: of its text up to the last dot."""
        keyed = self._keyed.get(key_id)
        if keyed is None:
            key = derive(self._secret, f"ticket:{key_id}")
            keyed = self._keyed[key_id] = hashlib.blake2b(key=key, digest_size=_MAC_BYTES).copy
        return keyed
