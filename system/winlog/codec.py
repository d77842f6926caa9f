"""Entry codec: the bytes of one append. Owns header, checksum and their checks; repairs and skips nothing.

Little endian throughout. Header of 40 bytes, then `count` records of WIN_DTYPE: version u8 · lane u8 · count u16 ·
round u32 · front u32 · lease u32 · epoch u64 · sequence u64 · reserved u32 · crc32c u32. The checksum covers everything
but itself.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from crc32c import crc32c

from system.contract.ids import LANES, Lane, Position
from system.contract.records import MAX_RECORDS, WIN_DTYPE
from system.winlog.errors import DamagedEntry

VERSION: Final = 1
HEADER: Final = struct.Struct("<BBHIIIQQII")
HEADER_BYTES: Final = HEADER.size
_CRC_AT: Final = HEADER_BYTES - 4
_CRC: Final = struct.Struct("<I")
_RECORD: Final = struct.Struct("<IIQQHHI")
RECORD_BYTES: Final = _RECORD.size

assert HEADER_BYTES == 40
assert WIN_DTYPE.itemsize == RECORD_BYTES


class Win(NamedTuple):
    """One award, in the order of WIN_DTYPE. The scalar twin of a record."""

    packet: int
    fen: int
    uid: int
    time_us: int
    sponsor: int
    flags: int


class Header(NamedTuple):
    """What an entry says of itself."""

    lane: Lane
    round_id: int
    front: int
    epoch: int
    sequence: int
    lease: int

    @property
    def position(self) -> Position:
        return Position(self.epoch, self.sequence)


@dataclass(frozen=True, slots=True)
class WinLogEntry:
    """A decoded entry; `records` is a read-only view of WIN_DTYPE."""

    header: Header
    records: npt.NDArray[np.void]

    def wins(self) -> list[Win]:
        """The records as tuples of ints."""
        return [Win(*fields[:6]) for fields in _RECORD.iter_unpack(self.records.tobytes())]


class Stored(NamedTuple):
    """An entry as it stands in the stream."""

    at: Position
    entry: bytes


@dataclass(frozen=True, slots=True)
class EntryBatch:
    """Decoded entries of one stream: records of `headers[i]` are `records[ends[i - 1]:ends[i]]`, shape (n,)."""

    headers: list[Header]
    ends: list[int]
    records: npt.NDArray[np.void]


def encode(header: Header, wins: Iterable[Win]) -> bytes:
    """The bytes of one entry of 1 to MAX_RECORDS wins. Raises ValueError when a field does not fit."""
    try:
        body = b"".join([_RECORD.pack(*win, 0) for win in wins])
        count = len(body) // RECORD_BYTES
        if not 1 <= count <= MAX_RECORDS:
            raise ValueError(f"{count} records in one entry; expected 1 to {MAX_RECORDS}")
        lane, *numbers = header
        round_id, front, epoch, sequence, lease = numbers
        head = HEADER.pack(VERSION, LANES.index(lane), count, round_id, front, lease, epoch, sequence, 0, 0)[:_CRC_AT]
    except struct.error as exc:
        raise ValueError(f"a field of the entry at {header.position} does not fit: {exc}") from exc
    return head + _CRC.pack(crc32c(body, crc32c(head))) + body


def read_header(entry: bytes, at: Position | None = None) -> Header:
    """The header, after every check there is: length, version, lane, reserved bits, checksum, and the id it is under.

    Raises DamagedEntry.
    """
    where = f"entry {at}" if at is not None else "entry"
    if len(entry) < HEADER_BYTES:
        raise DamagedEntry(f"{where}: {len(entry)} bytes; expected at least {HEADER_BYTES + RECORD_BYTES}")
    version, lane, count, round_id, front, lease, epoch, sequence, reserved, crc = HEADER.unpack_from(entry)
    if version != VERSION:
        raise DamagedEntry(f"{where}: version {version}; expected {VERSION}")
    if not 1 <= count <= MAX_RECORDS or len(entry) != HEADER_BYTES + count * RECORD_BYTES:
        raise DamagedEntry(f"{where}: {len(entry)} bytes for {count} records")
    view = memoryview(entry)
    actual = crc32c(view[HEADER_BYTES:], crc32c(view[:_CRC_AT]))
    if actual != crc:
        raise DamagedEntry(f"{where}: checksum {actual:08x}; the header says {crc:08x}")
    if lane >= len(LANES) or reserved:
        raise DamagedEntry(f"{where}: lane {lane}, reserved {reserved}; expected a known lane and 0")
    header = Header(LANES[lane], round_id, front, epoch, sequence, lease)
    if at is not None and header.position != at:
        raise DamagedEntry(f"{where}: its header says {header.position}")
    return header


def decode(entry: bytes, at: Position | None = None) -> WinLogEntry:
    """The entry; checked against the id it was stored under when `at` is given. Raises DamagedEntry."""
    header = read_header(entry, at)
    return WinLogEntry(header, np.frombuffer(entry, dtype=WIN_DTYPE, offset=HEADER_BYTES))


def decode_batch(stored: Sequence[Stored]) -> EntryBatch:
    """All entries, their records in one array. Raises DamagedEntry at the first that is not sound.

    Gaps are not looked for here: see `follows`.
    """
    headers = [read_header(entry, at) for at, entry in stored]
    body = b"".join([memoryview(entry)[HEADER_BYTES:] for _, entry in stored])
    ends: list[int] = []
    end = 0
    for _, entry in stored:
        end += (len(entry) - HEADER_BYTES) // RECORD_BYTES
        ends.append(end)
    return EntryBatch(headers, ends, np.frombuffer(body, dtype=WIN_DTYPE))


def follows(earlier: Position, later: Position) -> bool:
    """Whether `later` may stand right behind `earlier`: the next sequence, or the first of a newer epoch."""
    if later.epoch == earlier.epoch:
        return later.sequence == earlier.sequence + 1
    return later.epoch > earlier.epoch and later.sequence == 1
