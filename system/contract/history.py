"""Operation records of a run: one fixed record for each request the generator sent, in checksummed segments.

The audit joins them with the stores. A segment is SEGMENT_HEADER followed by records;
`manifest.json` beside the segments
lists each file with its count and sha256. Times are CLOCK_MONOTONIC nanoseconds of the one host.
"""

from __future__ import annotations

import struct
from enum import IntEnum

import numpy as np

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
        ("outcome", "u1"),
        ("kind", "u1"),
        ("attempt", "u1"),
        ("worker", "u1"),
        ("phase", "u1"),
        ("flags", "u1"),
        ("crc", "<u4"),  # crc32c of the 60 bytes before it
    ]
)
assert OP_DTYPE.itemsize == 64

NO_PACKET = 0xFFFFFFFF
SEGMENT_MAGIC = b"XIUHIST1"
SEGMENT_HEADER = struct.Struct("<8sII32sQ8x")
"""magic, version, worker, run id (utf-8, zero padded), seed; 64 bytes."""
SEGMENT_VERSION = 1
assert SEGMENT_HEADER.size == 64


class Outcome(IntEnum):
    """As many values as the world has. Time-out, reset and end of stream are UNKNOWN, never a failure."""

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


class Phase(IntEnum):
    """Which part of the plan the intended time lay in."""

    WARM_UP = 0
    MEASURED = 1
    DRAIN = 2


FLAG_EFFECT_NONE = 1
"""The answer said that nothing happened."""
FLAG_REPEAT = 2
"""The answer showed a settled win again."""
