"""The relations known before the season, into a ledger without any: the rows first, then each index in one sort.

    python -m system.play.ties.loading --postgres URL --lane live --pairs FILE.npy

`--pairs`: numpy's format, int64, shape (n, 2): who, and whom he has in his address book. One transaction, as the owner
of the tables; killed in the middle, nothing is there. Refuses a ledger that has ties: those go through the import.
"""

from __future__ import annotations

import argparse
import asyncio
import struct
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import psycopg

from system.contract.errors import Conflict, XiuError
from system.contract.ids import LANES, Lane
from system.ledger.access import Connection, open_url, transaction
from system.ledger.statements import statement
from system.play.ties.ingest import HI_HAS_LO, Pairs, canonical

ROWS = 200_000
"""Rows of one write to the COPY."""
TIMEOUT_S = 3600.0
_COLUMNS = (("lo", 8), ("hi", 8), ("made_us", 8), ("made_by", 8), ("mutual", 4), ("through", 2), ("book", 2))
_ROW = np.dtype(
    [("fields", ">i2"), *(f for name, n in _COLUMNS for f in ((f"{name}_length", ">i4"), (name, f">i{n}")))]
)
HEAD = struct.pack("!11sii", b"PGCOPY\n\xff\r\n\x00", 0, 0)
END = struct.pack("!h", -1)


class HasTies(Conflict):
    """A load is for a ledger without ties."""

    code = "has_ties"


def rows(ties: Pairs, book: npt.NDArray[np.int16], at_us: int) -> bytes:
    """Rows of a binary COPY, without its head and end."""
    made = np.zeros(len(ties), dtype=_ROW)
    made["fields"] = len(_COLUMNS)
    for name, length in _COLUMNS:
        made[f"{name}_length"] = length
    made["lo"], made["hi"], made["made_us"], made["book"] = ties[:, 0], ties[:, 1], at_us, book
    made["made_by"] = np.where(book == HI_HAS_LO, ties[:, 1], ties[:, 0])
    return made.tobytes()


async def load(conn: Connection, lane: Lane, pairs: Pairs, at_us: int) -> int:
    """Makes a tie of each pair, as the tables' owner, in one transaction; answers how many it made.

    `pairs`: shape (n, 2), n ≥ 1. Raises HasTies, SelfTie, Refused, and the driver's errors.
    """
    # Before the transaction: a session that is silent in one for ten seconds is ended.
    ties, book = canonical(pairs)
    async with transaction(conn):
        await _loaded(conn, lane, ties, book, at_us)
    return len(ties)


async def _loaded(conn: Connection, lane: Lane, ties: Pairs, book: npt.NDArray[np.int16], at_us: int) -> None:
    await conn.execute(statement("ties_load_hold", lane))
    there = await (await conn.execute(statement("ties_load_any", lane))).fetchone()
    if there is None or there[0]:
        raise HasTies(f"the {lane} lane has ties; expected none: POST /v1/relations/import adds to them")
    for name in ("ties_load_bare", "ties_load_no_hi"):
        await conn.execute(statement(name, lane))
    async with conn.cursor() as cursor, cursor.copy(statement("ties_load_copy", lane)) as copy:
        await copy.write(HEAD)
        for at in range(0, len(ties), ROWS):
            await copy.write(rows(ties[at : at + ROWS], book[at : at + ROWS], at_us))
        await copy.write(END)
    for name in ("ties_load_memory", "ties_load_key", "ties_load_hi"):
        await conn.execute(statement(name, lane))
    await conn.execute(statement("ties_load_growth", lane), {"ties": len(ties)})


async def _run(url: str, lane: Lane, file: Path) -> int:
    try:
        pairs = np.load(file, allow_pickle=False)
    except (OSError, ValueError, EOFError) as exc:
        print(f"{file}:1: {exc}; expected numpy's format", file=sys.stderr)
        return 2
    if pairs.dtype != np.int64 or pairs.ndim != 2 or pairs.shape[1] != 2 or not len(pairs):
        print(f"{file}:1: {pairs.dtype} of shape {pairs.shape}; expected int64, (n, 2)", file=sys.stderr)
        return 2
    try:
        async with await open_url(url, name="xiu-load") as conn:
            made = await load(conn, lane, pairs, time.time_ns() // 1000)
            # The plans of what asks next depend on it.
            await conn.execute(f"ANALYZE {lane}.tie".encode())
    except (XiuError, psycopg.Error) as exc:
        print(" ".join(str(exc).split()), file=sys.stderr)
        return 1
    print(f"{made} ties made")
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--postgres", required=True, help="URL of the ledger's owner")
    parser.add_argument("--lane", choices=LANES, required=True)
    parser.add_argument("--pairs", type=Path, required=True)
    options = parser.parse_args(argv)
    return asyncio.run(_run(options.postgres, options.lane, options.pairs))


if __name__ == "__main__":
    sys.exit(main())
