"""Rows of a batch as PostgreSQL's binary COPY wants them: one fixed layout, filled column by column. Pure."""

from __future__ import annotations

import struct

import numpy as np
import numpy.typing as npt

from system.credit.verify import Prepared

# Column of `posting` and its type; each field is preceded by its length, each row by the number of fields.
COLUMNS = (
    ("uid", ">i8"), ("round", ">i4"), ("packet", ">i8"), ("fen", ">i8"), ("sponsor", ">i4"), ("front", ">i4"),
    ("award_us", ">i8"), ("batch", ">i8"),
)  # fmt: skip
_ROW = np.dtype(
    [("fields", ">i2")] + [field for name, kind in COLUMNS for field in ((f"{name}_length", ">i4"), (name, kind))]
)
_HEAD = struct.pack("!11sii", b"PGCOPY\n\xff\r\n\x00", 0, 0)
_END = struct.pack("!h", -1)


def _blank() -> npt.NDArray[np.void]:
    row = np.zeros(1, dtype=_ROW)
    row["fields"] = len(COLUMNS)
    for name, kind in COLUMNS:
        row[f"{name}_length"] = np.dtype(kind).itemsize
    return row


_BLANK = _blank()


def copy_rows(prepared: Prepared, which: npt.NDArray[np.int64], round_id: int, front: int, batch: int) -> bytes:
    """A whole binary COPY of the records `which`, in that order, with the lottery's amounts."""
    rows = np.repeat(_BLANK, len(which))
    records = prepared.chunk.records[which]
    rows["uid"] = records["uid"]
    rows["round"] = round_id
    rows["packet"] = records["packet"]
    rows["fen"] = prepared.fen[which]
    rows["sponsor"] = prepared.sponsor[which]
    rows["front"] = front
    rows["award_us"] = records["time_us"]
    rows["batch"] = batch
    return b"".join((_HEAD, rows.tobytes(), _END))


def debits(prepared: Prepared, which: npt.NDArray[np.int64]) -> dict[int, int]:
    """Sum in fen of the packets `which`, by sponsor."""
    if not len(which):
        return {}
    sponsors, place = np.unique(prepared.sponsor[which], return_inverse=True)
    # Sums stay exact: at most a million packets below 2^32 fen are far below 2^53.
    sums = np.bincount(place, weights=prepared.fen[which].astype(np.float64))
    return {int(sponsor): int(fen) for sponsor, fen in zip(sponsors, sums, strict=True)}
