"""Reads a stream behind the ledger's offset, in batches of whole entries. Owns the gap rule; never skips an entry."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from system.contract.ids import Position, StreamName
from system.contract.records import SAYS_LANE, WIN_DTYPE
from system.winlog import DamagedEntry, Stored, follows
from system.winlog.codec import HEADER_BYTES, RECORD_BYTES, Header, read_header

PAGE_ENTRIES = 256


class EntrySource(Protocol):
    """What is read here: entries behind a position, oldest first."""

    async def read_after(self, position: Position, count: int) -> list[Stored]: ...


@dataclass(frozen=True, slots=True)
class Chunk:
    """Whole entries of one stream, one behind the other: (start, end]. `records` has WIN_DTYPE and shape (n,).

    epoch, seq and place say for each record where it stands, shape (n,) int64.
    """

    start: Position
    end: Position
    records: npt.NDArray[np.void]
    epoch: npt.NDArray[np.int64]
    seq: npt.NDArray[np.int64]
    place: npt.NDArray[np.int64]


class Reader:
    """Reads one stream from `offset` on: batch after batch until the end, or until `stopped` says why not."""

    def __init__(self, log: EntrySource, name: StreamName, offset: Position) -> None:
        self._log, self.name = log, name
        self._fetched: deque[Stored] = deque()
        self._read_to = offset
        self._dry = False
        self.at = offset
        self.stopped: str | None = None

    async def next(self, records_max: int) -> Chunk | None:
        """At most `records_max` records (at least one entry); None at the end, or where the stream is not sound."""
        start, taken, count = self.at, list[Stored](), 0
        while self.stopped is None:
            if not self._fetched:
                await self._fetch()
                if not self._fetched:
                    break
            stored = self._fetched[0]
            header = self._sound(stored)
            if header is None:
                break
            size = (len(stored.entry) - HEADER_BYTES) // RECORD_BYTES
            if taken and count + size > records_max:
                break
            taken.append(self._fetched.popleft())
            count += size
            self.at = header.position
        return _chunk(start, taken) if taken else None

    async def _fetch(self) -> None:
        if self._dry:
            return
        page = await self._log.read_after(self._read_to, PAGE_ENTRIES)
        self._dry = len(page) < PAGE_ENTRIES
        if page:
            self._read_to = page[-1].at
            self._fetched.extend(page)

    def _sound(self, stored: Stored) -> Header | None:
        """The entry's header; None, with the reason in `stopped`, where it cannot stand here."""
        if not follows(self.at, stored.at):
            self.stopped = f"gap: entry {stored.at} follows {self.at}"
            return None
        try:
            header = read_header(stored.entry, stored.at)
        except DamagedEntry as exc:
            self.stopped = f"damaged: {exc}"
            return None
        if (header.lane, header.round_id, header.front) != self.name:
            says = SAYS_LANE.format(lane=header.lane)
            self.stopped = f"foreign: entry {stored.at} {says} round {header.round_id}, front {header.front}"
            return None
        return header


def _chunk(start: Position, taken: list[Stored]) -> Chunk:
    body = b"".join([memoryview(entry)[HEADER_BYTES:] for _, entry in taken])
    sizes = np.array([(len(entry) - HEADER_BYTES) // RECORD_BYTES for _, entry in taken])
    first = np.cumsum(sizes) - sizes
    return Chunk(
        start=start,
        end=taken[-1].at,
        records=np.frombuffer(body, dtype=WIN_DTYPE),
        epoch=np.repeat(np.array([at.epoch for at, _ in taken], dtype=np.int64), sizes),
        seq=np.repeat(np.array([at.sequence for at, _ in taken], dtype=np.int64), sizes),
        place=np.arange(int(sizes.sum()), dtype=np.int64) - np.repeat(first, sizes),
    )
