"""Ties from an address book, many at once: a COPY into a table of the session, then one INSERT in the order of locks.

Owns the bits of `book` and the layout of the COPY. An import makes a tie where there is none, and counts nothing else:
the same pairs again change nothing.
"""

from __future__ import annotations

import struct

import numpy as np
import numpy.typing as npt

from system.contract.errors import Refused, StoreRefused
from system.contract.ids import Lane
from system.ledger.access import Connection
from system.ledger.interactions import SelfTie
from system.ledger.statements import statement

Pairs = npt.NDArray[np.int64]
LO_HAS_HI, HI_HAS_LO = 1, 2
"""Bits of `book`."""
_SHORT = 1 << 31
_ROW = np.dtype(
    [("fields", ">i2"), ("lo_length", ">i4"), ("lo", ">i8"), ("hi_length", ">i4"), ("hi", ">i8"),
     ("book_length", ">i4"), ("book", ">i2")]
)  # fmt: skip
_HEAD = struct.pack("!11sii", b"PGCOPY\n\xff\r\n\x00", 0, 0)
_END = struct.pack("!h", -1)


def canonical(pairs: Pairs) -> tuple[Pairs, npt.NDArray[np.int16]]:
    """(ties, book) of the pairs (who, whom he has), shape (n, 2): each tie once as (lo, hi), in order. Raises SelfTie,
    Refused for a number below 0.
    """
    if (same := pairs[:, 0] == pairs[:, 1]).any():
        raise SelfTie(f"user {pairs[same][0, 0]} has no tie with himself; expected two users")
    if (pairs < 0).any():
        raise Refused(f"no uid: {pairs.min()}; expected 0 or more")
    los, his = pairs.min(axis=1), pairs.max(axis=1)
    bits = np.where(pairs[:, 0] == los, LO_HAS_HI, HI_HAS_LO).astype(np.int16)
    if his.max() < _SHORT:
        # All in one number: a sort of those takes a fifth of the time.
        one = np.sort(los.astype(np.uint64) << 33 | his.astype(np.uint64) << 2 | bits.astype(np.uint64))
        los, his = (one >> 33).astype(np.int64), (one >> 2 & (_SHORT - 1)).astype(np.int64)
        bits = (one & 3).astype(np.int16)
    else:
        order = np.lexsort((his, los))
        los, his, bits = los[order], his[order], bits[order]
    starts = np.flatnonzero(np.r_[True, (los[1:] != los[:-1]) | (his[1:] != his[:-1])])
    return np.column_stack((los[starts], his[starts])), np.bitwise_or.reduceat(bits, starts)


def to_copy(ties: Pairs, book: npt.NDArray[np.int16]) -> bytes:
    """A binary COPY of (lo, hi, book)."""
    rows = np.zeros(len(ties), dtype=_ROW)
    rows["fields"], rows["lo_length"], rows["hi_length"], rows["book_length"] = 3, 8, 8, 2
    rows["lo"], rows["hi"], rows["book"] = ties[:, 0], ties[:, 1], book
    return b"".join((_HEAD, rows.tobytes(), _END))


async def ingest(conn: Connection, lane: Lane, pairs: Pairs, at_us: int | None = None) -> int:
    """Makes a tie of each pair that is none, inside the caller's transaction; answers how many it made.

    `pairs`: shape (n, 2), n ≥ 1: who, and whom he has in his address book. `at_us`: when; PostgreSQL's clock where none
    is given, which also says whether a season has begun. Raises SelfTie, Refused, and the driver's
    errors.
    """
    ties, book = canonical(pairs)
    await conn.execute(statement("ties_staging", lane))
    async with conn.cursor() as cursor, cursor.copy(statement("ties_copy", lane)) as copy:
        await copy.write(to_copy(ties, book))
    row = await (await conn.execute(statement("ties_import", lane), {"at_us": at_us})).fetchone()
    if row is None:
        raise StoreRefused("import of ties: no answer")
    return int(row[0])
