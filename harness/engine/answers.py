"""What an answer means: bytes → code, once for each distinct answer, then by lookup. Refuses to guess.

A code packs outcome, HTTP status and "nothing happened" into 16 bits; 0 means that nothing is known yet. A 5xx whose
body does not say ``"effect":"none"`` is UNKNOWN: it may have happened.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import httptools

from system.contract.history import NO_PACKET, Outcome
from system.contract.ids import parse_award_id

DROPPED = 6  # pseudo outcome of a tap that was reached but never sent
KNOWN_MAX = 8192
STATUS_MASK = 0x3FF
EFFECT_NONE_BIT = 1 << 13


def code_of(outcome: int, status: int, effect_none: bool = False) -> int:
    """Status in bits 0-9, outcome + 1 in bits 10-12, "nothing happened" in bit 13; never 0."""
    return EFFECT_NONE_BIT * effect_none | (outcome + 1) << 10 | status


UNANSWERED = code_of(Outcome.UNKNOWN, 0)
"""Time-out, reset, end of stream."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An understood answer. ``packet`` is NO_PACKET and ``fen`` 0 unless it names an award."""

    code: int
    packet: int = NO_PACKET
    fen: int = 0

    @property
    def settled(self) -> bool:
        """True for a win shown again: the same bytes to the same user until the round is closed."""
        return (self.code >> 10 & 7) - 1 == Outcome.REPEAT

    @property
    def plain(self) -> bool:
        """True if its bytes may be recognised by lookup: a definite answer with nothing in it but the code."""
        return (self.code >> 10 & 7) - 1 in (Outcome.LOSE, Outcome.REFUSED)


def understand(status: int, body: bytes) -> Answer:
    """The meaning of a complete answer of the tap API (docs: interface, "HTTP of the system")."""
    if status == 200:
        data = _object(body)
        won = data.get("won")
        if won is False:
            return Answer(code_of(Outcome.LOSE, status))
        if won is True:
            return _win(status, data)
    elif status == 202:
        return Answer(code_of(Outcome.PENDING, status))
    elif status >= 400:
        error = _object(body).get("error")
        effect = error.get("effect") if isinstance(error, dict) else None
        if effect == "none":
            return Answer(code_of(Outcome.REFUSED, status, effect_none=True))
        if effect is None and status < 500:
            return Answer(code_of(Outcome.REFUSED, status))
    return Answer(code_of(Outcome.UNKNOWN, status))


def _object(body: bytes) -> dict[str, Any]:
    try:
        data = json.loads(body)
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}


def _win(status: int, data: dict[str, Any]) -> Answer:
    try:
        _, packet = parse_award_id(data["award"])
        fen = int(data["fen"])
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        return Answer(code_of(Outcome.UNKNOWN, status))
    if not (0 <= packet < NO_PACKET and 0 <= fen < 1 << 32):
        return Answer(code_of(Outcome.UNKNOWN, status))
    if data.get("repeat"):
        return Answer(code_of(Outcome.REPEAT, status), packet, fen)
    return Answer(code_of(Outcome.WIN, status), packet, fen)


class AnswerParser:
    """A real HTTP parser for whatever the lookup does not know: new, split or surplus answers."""

    __slots__ = ("_body", "_parser", "complete", "keep_alive", "status", "surplus")

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._body = bytearray()
        self.complete = False
        self.keep_alive = True
        self.surplus = False
        self.status = 0

    def feed(self, data: bytes) -> bool:
        """True once an answer is complete. Raises httptools.HttpParserError on bytes that are no HTTP."""
        self._parser.feed_data(data)
        return self.complete

    @property
    def body(self) -> bytes:
        return bytes(self._body)

    def on_message_begin(self) -> None:
        self.surplus = self.surplus or self.complete

    def on_body(self, chunk: bytes) -> None:
        if not self.complete:
            self._body += chunk

    def on_message_complete(self) -> None:
        if not self.complete:
            self.complete = True
            self.status = self._parser.get_status_code()
            self.keep_alive = self._parser.should_keep_alive()
