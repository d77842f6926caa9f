"""Names of things: lanes, awards, streams, log positions. Pure text and integers."""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

Lane = Literal["live", "stress"]
LANES: tuple[Lane, ...] = get_args(Lane)
"""`live` carries the public, `stress` carries tagged test traffic; each has data of its own."""

TAG_HEADER = "X-Xiu-Tag"


class Position(NamedTuple):
    """A place in a stream: entry `sequence` of `epoch`. (0, 0) stands before the first entry. Orders like the log."""

    epoch: int
    sequence: int

    def __str__(self) -> str:
        return f"{self.epoch}-{self.sequence}"

    @classmethod
    def parse(cls, text: str) -> Position:
        """The position written `epoch-sequence`. Raises ValueError."""
        epoch, sep, sequence = text.partition("-")
        if not sep:
            raise ValueError(f"not a log position: {text!r}; expected epoch-sequence")
        return cls(int(epoch), int(sequence))


START = Position(0, 0)


def award_id(round_id: int, packet: int) -> str:
    """The id of an award: one packet of one round cannot be two awards."""
    return f"{round_id}-{packet}"


def parse_award_id(text: str) -> tuple[int, int]:
    """(round, packet) of an award id. Raises ValueError."""
    round_id, sep, packet = text.partition("-")
    if not sep:
        raise ValueError(f"not an award id: {text!r}; expected round-index")
    return int(round_id), int(packet)


def stream_key(cell: int, lane: Lane, round_id: int, front: int) -> str:
    """Valkey key of the win log of one front, lane and round; the cell is the hash tag."""
    return f"win:{{{cell}}}:{lane}:{round_id}:{front}"


def fence_key(cell: int, lane: Lane, round_id: int, front: int) -> str:
    """Valkey key beside the stream that holds the epoch it accepts."""
    return f"fence:{{{cell}}}:{lane}:{round_id}:{front}"
