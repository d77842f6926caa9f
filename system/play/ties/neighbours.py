"""Friends in common. Owns how they are counted: among at most so many friends of each, so that no user with very many
ties makes the count of others slow.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from system.contract.ids import Lane
from system.ledger.access import Connection
from system.ledger.statements import statement

FRIENDS_MAX = 1_000
"""Friends of a user that are looked at, of those with larger uids, and of those with smaller ones."""


async def neighbours(conn: Connection, lane: Lane, uids: Iterable[int]) -> dict[int, frozenset[int]]:
    """The friends of each user."""
    params = {"uids": list(uids), "limit": FRIENDS_MAX}
    rows = await conn.execute(statement("ties_neighbours", lane), params, binary=True)
    return {uid: frozenset(friends) for uid, friends in await rows.fetchall()}


def in_common(friends: dict[int, frozenset[int]], pairs: Sequence[tuple[int, int]]) -> list[int]:
    """How many friends each pair has in common."""
    return [len(friends[lo] & friends[hi]) for lo, hi in pairs]
