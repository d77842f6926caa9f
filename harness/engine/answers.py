"""The result of a request, as a code of one number, and the HTTP parser of answers. The meaning of an answer belongs to
its shot.

A code packs the HTTP status (bits 0-9), the outcome + 1 (bits 10-17) and "nothing happened" (bit 18); 0 means that
nothing is known yet. An outcome is an index into the outcomes of the shot (`harness.engine.shot`); 0 is *unknown* in
each.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httptools

from system.contract.ids import NO_PACKET

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

UNKNOWN = 0
OUTCOMES_MAX = 253
"""Most outcomes of a shot."""
UNFED = OUTCOMES_MAX  # pseudo outcome of a follow-up's slot that came due while nothing had been left for it
DROPPED = OUTCOMES_MAX + 1  # pseudo outcome of a request that was reached but never sent
OUTCOMES = OUTCOMES_MAX + 3
"""Different values of outcome + 1 in a code."""
KNOWN_MAX = 8192
LONGEST = 64 << 20
"""Bytes of a body that are kept; who sends more has given no answer."""
INTERIM = frozenset((100, 102, 103))
"""Statuses that an answer still follows."""
STATUS_MASK = 0x3FF
EFFECT_NONE_BIT = 1 << 18


def code_of(outcome: int, status: int, effect_none: bool = False) -> int:
    """Status, outcome and "nothing happened" in one number, never 0."""
    return EFFECT_NONE_BIT * effect_none | (outcome + 1) << 10 | status


def outcomes_of(codes: npt.NDArray[np.uint32]) -> npt.NDArray[np.int64]:
    """The outcome in each code; -1 where nothing is known yet."""
    return (codes >> 10 & 0xFF).astype("int64") - 1


UNANSWERED = code_of(UNKNOWN, 0)
"""Time-out, reset, end of stream."""


@dataclass(frozen=True, slots=True)
class ParsedAnswer:
    """An understood answer. ``packet`` is NO_PACKET and ``fen`` 0 unless it names an award.

    ``plain``: the same bytes always mean the same, and name no award, so they are recognised by lookup from then on.
    ``settled``: to the same user the same bytes mean the same, award included, as long as the round is open.
    ``ticket``: of a losing tap that has one, a right to a card; empty otherwise. ``note``: what a follow-up needs to
    know of the answer: an award, a link, a card's kind.
    """

    code: int
    packet: int = NO_PACKET
    fen: int = 0
    plain: bool = False
    settled: bool = False
    ticket: str = ""
    note: str = ""


def json_object(body: bytes) -> dict[str, Any]:
    """The JSON object of a body; empty where it is none."""
    try:
        data = json.loads(body)
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}


def nothing_happened(status: int, body: bytes) -> bool | None:
    """What a refusal (400 and above) says of its effect. True: certainly none. False: none by the status, a 4xx that
    does not say. None: it may have happened.
    """
    error = json_object(body).get("error")
    effect = error.get("effect") if isinstance(error, dict) else None
    if effect == "none":
        return True
    return False if effect is None and status < 500 else None


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
        """True once an answer is complete. Raises httptools.HttpParserError on bytes that are no HTTP, and on a body
        that does not end.
        """
        self._parser.feed_data(data)
        if len(self._body) > LONGEST:
            raise httptools.HttpParserError(f"a body of more than {LONGEST:,} bytes")
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
        if not self.complete and self._parser.get_status_code() not in INTERIM:
            self.complete = True
            self.status = self._parser.get_status_code()
            self.keep_alive = self._parser.should_keep_alive()
