"""Names of things: lanes, awards, streams, log positions. Pure text and integers."""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

from system.contract.numbers import shown, whole_number

Lane = Literal["live", "stress"]
LANES: tuple[Lane, ...] = get_args(Lane)
NO_PACKET = 0xFFFFFFFF
"""Where an answer names no award."""
"""`live` carries the public, `stress` carries tagged test traffic; each has data of its own."""

TAG_HEADER = "X-Xiu-Tag"

ROUND_MAX = (1 << 31) - 1
PACKET_MAX = (1 << 32) - 1
INT8_MAX = (1 << 63) - 1
"""The largest number of the ledger."""
PART_MAX = (1 << 64) - 1
"""Each half of a stream's entry id, as Valkey counts."""


class Position(NamedTuple):
    """A place in a stream: entry `sequence` of `epoch`. (0, 0) stands before the first entry. Orders like the log."""

    epoch: int
    sequence: int

    def __str__(self) -> str:
        return f"{self.epoch}-{self.sequence}"

    @classmethod
    def parse(cls, text: str) -> Position:
        """The position written `epoch-sequence`. Raises ValueError."""
        epoch, sequence = _pair(text, "log position", "epoch-sequence", PART_MAX, PART_MAX)
        return cls(epoch, sequence)


START = Position(0, 0)


class StreamName(NamedTuple):
    """Which stream of wins: one front, one round, one lane. Every entry says so of itself."""

    lane: Lane
    round_id: int
    front: int


def need_lane(lane: object) -> Lane:
    """The lane itself. Raises ValueError for anything else: what does not say whose traffic it is reaches no store."""
    for known in LANES:
        if lane == known:
            return known
    raise ValueError(f"lane {lane!r}; expected one of {', '.join(LANES)}")


def award_id(round_id: int, packet: int) -> str:
    """The id of an award: one packet of one round cannot be two awards."""
    return f"{round_id}-{packet}"


def parse_award_id(text: str) -> tuple[int, int]:
    """(round, packet) of an award id. Raises ValueError."""
    return _pair(text, "award id", "round-index", ROUND_MAX, PACKET_MAX)


def _pair(text: str, what: str, form: str, first_max: int, second_max: int) -> tuple[int, int]:
    first, _, second = text.partition("-")
    numbers = whole_number(first, first_max), whole_number(second, second_max)
    if numbers[0] is None or numbers[1] is None:
        raise ValueError(f"no {what}: {shown(text)}; expected {form}, two plain numbers")
    return numbers[0], numbers[1]


def stream_key(cell: int, lane: Lane, round_id: int, front: int) -> str:
    """Valkey key of the win log of one front, lane and round; the cell is the hash tag."""
    return f"win:{{{cell}}}:{need_lane(lane)}:{round_id}:{front}"


def fence_key(cell: int, lane: Lane, round_id: int, front: int) -> str:
    """Valkey key beside the stream that holds the epoch it accepts."""
    return f"fence:{{{cell}}}:{need_lane(lane)}:{round_id}:{front}"
