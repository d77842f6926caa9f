"""What the audit looks at: one round as the stores have it, loaded into arrays. Plain data; judged elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from system.contract.ids import START, Lane, Position
from system.contract.records import WIN_DTYPE
from system.lottery import Round

Rows = npt.NDArray[np.void]
POSTING = np.dtype(
    [("uid", "<u8"), ("packet", "<i8"), ("fen", "<i8"), ("sponsor", "<i4"), ("front", "<i4"), ("award_us", "<i8"),
     ("batch", "<i8")]
)  # fmt: skip
LEASE = np.dtype(
    [("front", "<i4"), ("epoch", "<i8"), ("number", "<i4"), ("lo", "<i8"), ("hi", "<i8"), ("abandoned", "?")]
)


class LedgerBatch(NamedTuple):
    """A batch row; positions are None unless it came from a stream."""

    batch: int
    kind: str
    front: int | None
    start: Position | None
    end: Position | None
    postings: int
    fen: int
    committed_us: int = 0


class EntryLine(NamedTuple):
    """A row of `entry`."""

    batch: int
    account: str
    fen: int


class Suspended(NamedTuple):
    """A row of `suspense`."""

    batch: int
    front: int
    epoch: int
    seq: int
    place: int
    packet: int
    uid: int
    fen: int
    sponsor: int
    award_us: int
    held_fen: int
    held_sponsor: int
    reason: str
    given_back: bool = False
    """Settled: its money went back to the sponsor."""


@dataclass
class StreamLog:
    """A stream as it was read: sound records with their places; `holes` and `faults` name what is not sound."""

    key: str
    records: Rows = field(default_factory=lambda: np.zeros(0, dtype=WIN_DTYPE))
    epoch: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    seq: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    last: dict[int, int] = field(default_factory=dict)
    """Last sequence present of each epoch."""
    holes: list[tuple[Position, Position]] = field(default_factory=list)
    """(first missing, last missing) entries, inside one epoch."""
    faults: list[tuple[Position, str]] = field(default_factory=list)
    """Entries that are present and cannot be believed."""
    deleted: Position = START
    """The highest entry that was ever deleted by hand; (0, 0) when none was."""


@dataclass
class StreamBooks:
    """A row of `stream`, and the log itself."""

    front: int
    cell: int
    epoch: int
    granted: int
    offset: Position
    stopped: str | None
    log: StreamLog


@dataclass
class Books:
    """One round: the ledger in one snapshot, then the streams, read after it."""

    lane: Lane
    round_id: int
    state: str
    packets: int
    budget_fen: int
    start_us: int
    end_us: int
    next_packet: int
    lottery: Round
    commitment: str
    postings: Rows
    suspense: list[Suspended]
    batches: dict[int, LedgerBatch]
    legs: list[EntryLine]
    streams: list[StreamBooks]
    leases: Rows
    used: list[bytes]
    names: dict[int, str] = field(default_factory=dict)
    """Sponsor → name."""

    @property
    def closed(self) -> bool:
        return self.state == "closed"

    def name(self, packet: int, uid: int) -> str:
        """The name of an award in findings."""
        return f"award {self.round_id}-{packet}, user {uid}"
