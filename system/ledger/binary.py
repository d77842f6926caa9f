"""Postings as PostgreSQL's binary COPY takes them: one fixed layout, since no column may be NULL. Pure."""

from __future__ import annotations

import struct

import numpy as np
import numpy.typing as npt

COLUMNS = (
    ("uid", ">i8"), ("round", ">i4"), ("packet", ">i8"), ("fen", ">i8"), ("sponsor", ">i4"), ("front", ">i4"),
    ("award_us", ">i8"), ("batch", ">i8"),
)  # fmt: skip
"""Columns of `posting` in order, with their types."""
ROW = np.dtype(
    [("fields", ">i2")] + [field for name, kind in COLUMNS for field in ((f"{name}_length", ">i4"), (name, kind))]
)
"""A row on the wire: the number of fields, then each field behind its length."""
_HEAD = struct.pack("!11sii", b"PGCOPY\n\xff\r\n\x00", 0, 0)
_END = struct.pack("!h", -1)


def _blank() -> npt.NDArray[np.void]:
    row = np.zeros(1, dtype=ROW)
    row["fields"] = len(COLUMNS)
    for name, kind in COLUMNS:
        row[f"{name}_length"] = np.dtype(kind).itemsize
    return row


_BLANK = _blank()


def blank_rows(count: int) -> npt.NDArray[np.void]:
    """`count` rows with every length in place; the caller fills the columns."""
    return np.repeat(_BLANK, count)


def to_copy(rows: npt.NDArray[np.void]) -> bytes:
    """A whole binary COPY of the rows."""
    return b"".join((_HEAD, rows.view(np.uint8).data, _END))
