"""The daily snapshot of all scores: taken once the day is over, in batches, each a
transaction that also says where the next one begins.

Owns the cursor of the day, the count of friends in common, and what a user's ties are worth together. Any number of
processes may call it: one has the day at a time. Killed in the middle, it goes on where it was. Scores are those of the
day's end, whenever a batch is run.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from system.contract.ids import Lane
from system.ledger.access import Connection, Pool
from system.ledger.statements import statement
from system.play.ties.monitoring import PARTS, histogram
from system.play.ties.neighbours import in_common, neighbours
from system.play.ties.reading import sums_of
from system.play.ties.strength import FULL, Ints, strengths, weights

BATCH = 2_000
DAY_US = 86_400_000_000
POINT = FULL // 100


class DueDay(NamedTuple):
    """The last day that is over (days since 1970), and whether its snapshot is finished."""

    day: int
    finished: bool


async def due(pool: Pool, lane: Lane) -> DueDay:
    """By PostgreSQL's clock. Raises StoreUnknown, StoreRefused."""
    ((day, finished),) = await pool.fetch(statement("strength_due", lane), what="day of strength")
    return DueDay(day, finished)


async def step(pool: Pool, lane: Lane, day: int, *, batch: int = BATCH) -> bool:
    """One batch of the day's snapshot; whether there is more to do for this process. Raises StoreUnknown, StoreRefused:
    safe to repeat after either.
    """
    async with pool.transaction("strength") as conn:
        await conn.execute(statement("strength_begin", lane), {"day": day, "ties": [0] * PARTS})
        place = await (await conn.execute(statement("strength_lock", lane), {"day": day})).fetchone()
        if place is None:
            return False
        lo, hi, ties = place
        params = {"lo": lo, "hi": hi, "limit": batch, "end_us": (day + 1) * DAY_US}
        rows = await (await conn.execute(statement("strength_ties", lane), params, binary=True)).fetchall()
        if rows:
            counted = await _batch(conn, lane, day, rows)
            lo, hi = rows[-1][:2]
            onward = {"day": day, "lo": lo, "hi": hi, "ties": [int(n) for n in np.array(ties) + counted]}
            await conn.execute(statement("strength_go_on", lane), onward)
        if len(rows) == batch:
            return True
        await conn.execute(statement("strength_finish", lane), {"day": day})
        return False


async def _batch(conn: Connection, lane: Lane, day: int, rows: Sequence[tuple[Any, ...]]) -> Ints:
    """Counts friends in common, scores the ties, adds to their users. Answers the histogram of the scores."""
    los, his, makers, book, counters = (list(column) for column in zip(*rows, strict=True))
    friends = await neighbours(conn, lane, sorted({*los, *his}))
    mutual = in_common(friends, list(zip(los, his, strict=True)))
    await conn.execute(statement("strength_mutual", lane), {"los": los, "his": his, "mutual": mutual})
    scores = strengths(weights(), sums_of(book, mutual, counters), (day + 1) * DAY_US).scores
    uids, where = np.unique(np.array([*los, *his], dtype=np.int64), return_inverse=True)
    points = np.bincount(where, np.tile(scores / POINT, 2))
    made = np.bincount(np.searchsorted(uids, np.array(makers, dtype=np.int64)), minlength=len(uids))
    columns = {"day": day, "uids": uids.tolist(), "strengths": points.tolist(), "made": made.tolist()}
    await conn.execute(statement("strength_users", lane), columns)
    return histogram(scores)
