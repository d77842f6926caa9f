"""Operation records of a run: one fixed record for each request the generator sent, in checksummed segments.

The audit joins them with the stores. A segment is SEGMENT_HEADER followed by records;
`manifest.json` beside the segments
lists each file with its count and sha256. Times are CLOCK_MONOTONIC nanoseconds of the one host.
"""

from __future__ import annotations

import struct
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from system.contract.ids import NO_PACKET as NO_PACKET

OP_DTYPE = np.dtype(
    [
        ("intended_ns", "<i8"),
        ("reached_ns", "<i8"),
        ("sent_ns", "<i8"),
        ("done_ns", "<i8"),  # 0: never answered
        ("uid", "<u8"),
        ("packet", "<u4"),  # NO_PACKET unless the answer named an award
        ("fen", "<u4"),
        ("round", "<u4"),
        ("http", "<u2"),  # 0: no answer
        ("outcome", "<u2"),  # place in the outcomes of its journey's shot (manifest.json); of a tap: Outcome
        ("journey", "u1"),  # place in the manifest's journeys; 0 is the taps'
        ("kind", "u1"),
        ("attempt", "u1"),
        ("worker", "u1"),
        ("phase", "u1"),
        ("flags", "u1"),
        ("spare", "V6"),  # zeros
        ("crc", "<u4"),  # crc32c of the 68 bytes before it
    ]
)
"""A record of today, SEGMENT_VERSION."""
OP_DTYPE_1 = np.dtype(
    [
        ("intended_ns", "<i8"),
        ("reached_ns", "<i8"),
        ("sent_ns", "<i8"),
        ("done_ns", "<i8"),
        ("uid", "<u8"),
        ("packet", "<u4"),
        ("fen", "<u4"),
        ("round", "<u4"),
        ("http", "<u2"),
        ("outcome", "u1"),
        ("kind", "u1"),
        ("attempt", "u1"),
        ("worker", "u1"),
        ("phase", "u1"),
        ("flags", "u1"),
        ("crc", "<u4"),  # crc32c of the 60 bytes before it
    ]
)
"""A record of version 1: every request was a tap."""
assert (OP_DTYPE.itemsize, OP_DTYPE_1.itemsize) == (72, 64)

SEGMENT_MAGIC = b"XIUHIST1"
SEGMENT_HEADER = struct.Struct("<8sII32sQ8x")
"""magic, version, worker, run id (utf-8, zero padded), seed; 64 bytes."""
SEGMENT_VERSION = 2
"""Of the segments that are written. Each version of LAYOUTS is read."""
LAYOUTS: dict[int, np.dtype[np.void]] = {1: OP_DTYPE_1, SEGMENT_VERSION: OP_DTYPE}
assert SEGMENT_HEADER.size == 64


def layout_of(header: bytes) -> np.dtype[np.void]:
    """The layout of a segment's records, by its header. Raises ValueError for a header of no version that is known."""
    if len(header) < SEGMENT_HEADER.size:
        raise ValueError(f"{len(header)} bytes; expected a header of {SEGMENT_HEADER.size}")
    magic, version = SEGMENT_HEADER.unpack_from(header)[:2]
    if magic != SEGMENT_MAGIC or version not in LAYOUTS:
        known = " or ".join(map(str, LAYOUTS))
        raise ValueError(f"format {magic!r} version {version}; expected version {known}")
    return LAYOUTS[version]


def upgraded(records: npt.NDArray[np.void]) -> npt.NDArray[np.void]:
    """Records of any layout as OP_DTYPE. An older one belongs to journey 0, and keeps the crc it was written with."""
    if records.dtype == OP_DTYPE:
        return records
    out = np.zeros(len(records), OP_DTYPE)
    for name in records.dtype.names or ():
        out[name] = records[name]
    return out


class Outcome(IntEnum):
    """What became of a tap: as many values as the world has. Time-out, reset and end of stream are UNKNOWN, never a
    failure. A request of another shot has outcomes of its own (`harness.engine.shots`); 0 is *unknown* in each.
    """

    UNKNOWN = 0
    WIN = 1
    LOSE = 2
    REPEAT = 3
    REFUSED = 4
    PENDING = 5


class Kind(IntEnum):
    """What the operation was meant to be."""

    TAP = 0
    TOO_FAST = 1
    FORGED = 2
    EXPIRED = 3
    FOREIGN = 4
    SETTLE = 5
    REPLAYED = 6
    OTHER = 7
    """No tap: a request of another shot, such as the read of a wallet. The books of the taps leave it out."""


class Phase(IntEnum):
    """Which part of the plan the intended time lay in."""

    WARM_UP = 0
    MEASURED = 1
    DRAIN = 2


FLAG_EFFECT_NONE = 1
"""The answer said that nothing happened."""
FLAG_REPEAT = 2
"""The answer showed a settled win again."""
