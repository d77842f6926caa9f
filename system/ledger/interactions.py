"""Interactions between two users: each counted once in their tie, which is made where there is none.

Owns the kinds, their half-lives, and how a decayed counter is kept. A play calls `interact` inside its transaction, as
the last thing before the COMMIT: ties are the last locks (docs/season.md). Refuses a tie with oneself.

A counter that decays, `c ← c·2^(−Δt/h) + 1` at each interaction, equals `2^(−(now − L)/h) · Σ 2^((t − L)/h)` for any
fixed L. The sum is what is stored, with L = `LANDMARK_US`: adding to it needs no time of the last change, and the order
in which interactions arrive does not matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

from system.contract.errors import Conflict, StoreRefused
from system.contract.ids import INT8_MAX, Lane
from system.ledger.access import Connection
from system.ledger.statements import statement

InteractionKind = Literal["contact", "transfer", "gift", "claim", "card"]
KINDS: tuple[InteractionKind, ...] = get_args(InteractionKind)
"""In the order of a tie's counters; `kind` in the ledger is the place, from 1."""
IMPORTED = 0
"""`through` of a tie that no interaction made."""
_DAY_US = 86_400_000_000
HALF_LIVES_US = tuple(float(days * _DAY_US) for days in (30, 90, 30, 7, 7))
LANDMARK_US = 1_767_225_600_000_000
"""2026-01-01 UTC. A weight of 2^1023 is the largest there is: 19 years of 7 days' half-lives after it."""


class SelfTie(Conflict):
    """Nobody has a tie with himself."""

    code = "self_tie"


class Interaction(NamedTuple):
    """What passed from one user to another. `key`: of the transfer, or the order, that it belongs to. `at_us`: of the
    same; PostgreSQL's clock.
    """

    key: str
    kind: InteractionKind
    from_uid: int
    to_uid: int
    at_us: int


@dataclass(frozen=True, slots=True)
class TieChange:
    """What one call did. `counted`: the keys that were new. `made`: the ties that were not there before, (lo, hi)."""

    counted: frozenset[str]
    made: tuple[tuple[int, int], ...]


def pair(one: int, other: int) -> tuple[int, int]:
    """(lo, hi) of a tie. Raises SelfTie, and ValueError for a number that is no uid."""
    if one == other:
        raise SelfTie(f"user {one} has no tie with himself; expected two users")
    lo, hi = min(one, other), max(one, other)
    if lo < 0 or hi > INT8_MAX:
        raise ValueError(f"no uid: {lo if lo < 0 else hi}; expected 0 to {INT8_MAX}")
    return lo, hi


async def interact(
    conn: Connection, lane: Lane, kind: InteractionKind, from_uid: int, to_uid: int, at_us: int, key: str
) -> TieChange:
    """Counts one interaction, once for its key, inside the caller's transaction. The caller takes no lock after it.

    Raises SelfTie, ValueError, and the driver's errors.
    """
    return await interact_all(conn, lane, (Interaction(key, kind, from_uid, to_uid, at_us),))


async def interact_all(conn: Connection, lane: Lane, passed: Sequence[Interaction]) -> TieChange:
    """Counts many interactions by one statement; otherwise as `interact`. Call it once in a transaction: two calls
    could lock ties against their order.
    """
    for each in passed:
        pair(each.from_uid, each.to_uid)
    columns = {
        "keys": [each.key for each in passed],
        "kinds": [1 + KINDS.index(each.kind) for each in passed],
        "froms": [each.from_uid for each in passed],
        "tos": [each.to_uid for each in passed],
        "times": [each.at_us for each in passed],
        "half_lives_us": list(HALF_LIVES_US),
        "landmark_us": LANDMARK_US,
    }
    row = await (await conn.execute(statement("interactions_count", lane), columns)).fetchone()
    if row is None:
        raise StoreRefused("interactions: no answer from the statement that counts them")
    return TieChange(frozenset(row[0]), tuple(zip(row[1], row[2], strict=True)))
