"""Interactions on a real PostgreSQL: each counted once in its tie, whatever crosses, repeats or is undone."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import psycopg
import pytest

from system.contract.ids import INT8_MAX
from system.ledger.access import Pool
from system.ledger.interactions import (
    HALF_LIVES_US,
    LANDMARK_US,
    Interaction,
    SelfTie,
    TieChange,
    interact,
    interact_all,
)
from tests.support.books import SECRET

T = LANDMARK_US + 40 * 86_400_000_000
WEEK = 7 * 86_400_000_000


def rows(dsn: str, text: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(dsn, autocommit=True) as conn:
        return conn.execute(text.encode()).fetchall()


def passed(dsn: str, *calls: tuple[Interaction, ...], undo: bool = False) -> list[TieChange]:
    """Each call in a transaction of its own, as the lane's role."""

    async def go() -> list[TieChange]:
        pool = Pool(dsn, "xiu_live", SECRET)
        done = []
        try:
            for call in calls:
                async with pool.transaction("test") as conn:
                    done.append(await interact_all(conn, "live", call))
                    if undo:
                        await conn.execute("ROLLBACK AND CHAIN")
        finally:
            await pool.close()
        return done

    return asyncio.run(go())


def test_the_first_interaction_makes_the_tie_and_each_is_counted_once(ledger_dsn: str) -> None:
    first, second = Interaction("claim:1-1:9", "claim", 9, 4, T), Interaction("gift:4:a", "gift", 4, 9, T + WEEK)
    changes = passed(ledger_dsn, (first,), (first,), (second, first), ())
    assert changes == [
        TieChange(frozenset({"claim:1-1:9"}), ((4, 9),)), TieChange(frozenset(), ()),
        TieChange(frozenset({"gift:4:a"}), ()), TieChange(frozenset(), ()),
    ]  # fmt: skip
    assert rows(ledger_dsn, "SELECT lo, hi, made_us, made_by, through, book, counts FROM live.tie") == [
        (4, 9, T, 9, 4, 0, [0, 0, 1, 0, 0, 0, 0, 0, 1, 0])
    ]
    assert rows(ledger_dsn, "SELECT through, sum(ties)::int FROM live.tie_growth GROUP BY 1") == [(4, 1)]
    assert rows(ledger_dsn, "SELECT count(*)::int FROM live.interaction") == [(2,)]
    assert rows(ledger_dsn, "SELECT count(*)::int FROM stress.tie") == [(0,)]


def test_a_counter_is_what_decays_by_half_in_a_half_life(ledger_dsn: str) -> None:
    """Stored is a sum against a fixed moment; read at any time it is c ← c·2^(−Δt/h) + 1, in any order of arrival."""
    times = [T, T + WEEK, T + 3 * WEEK]
    shuffled = [times[2], times[0], times[1]]
    passed(ledger_dsn, *((Interaction(f"claim:{k}:1", "claim", 1, 2, at),) for k, at in enumerate(shuffled)))
    ((weights,),) = rows(ledger_dsn, "SELECT weights FROM live.tie")
    by_hand, before = 0.0, times[0]
    for at in times:
        by_hand, before = by_hand * 2 ** (-(at - before) / HALF_LIVES_US[3]) + 1, at
    read = weights[3] * 2 ** (-(times[-1] - LANDMARK_US) / HALF_LIVES_US[3])
    assert read == pytest.approx(by_hand, rel=1e-12)
    assert by_hand == pytest.approx(1 + 1 / 4 + 1 / 8)
    assert [weight for k, weight in enumerate(weights) if k != 3] == [0] * 9


def test_what_is_rolled_back_was_not_counted(ledger_dsn: str) -> None:
    passed(ledger_dsn, (Interaction("claim:1-1:9", "claim", 9, 4, T),), undo=True)
    assert rows(ledger_dsn, "SELECT count(*)::int FROM live.tie") == [(0,)]
    assert rows(ledger_dsn, "SELECT count(*)::int FROM live.interaction") == [(0,)]


def test_many_sessions_on_the_same_ties_in_any_order(ledger_dsn: str) -> None:
    """Each call names ties of a few users in an order of its own: none waits for another in a circle, none is lost."""
    chance = random.Random(7)
    couples = [(a, b) for a in range(5) for b in range(5) if a != b]
    calls = [
        tuple(Interaction(f"claim:{call}-{k}", "claim", *chance.choice(couples), T) for k in range(12))
        for call in range(40)
    ]

    async def go() -> None:
        pool = Pool(ledger_dsn, "xiu_live", SECRET, size=8, timeout_s=60.0)

        async def one(call: tuple[Interaction, ...]) -> None:
            async with pool.transaction("test") as conn:
                await interact_all(conn, "live", call)

        await asyncio.gather(*(one(call) for call in [*calls, *calls]))
        await pool.close()

    asyncio.run(go())
    counted = rows(ledger_dsn, "SELECT sum(n)::int FROM live.tie, unnest(counts) n")
    assert counted == [(40 * 12,)]
    assert rows(ledger_dsn, "SELECT count(*)::int FROM live.tie WHERE lo >= hi") == [(0,)]
    grown = rows(ledger_dsn, "SELECT sum(ties)::int FROM live.tie_growth")
    assert grown == rows(ledger_dsn, "SELECT count(*)::int FROM live.tie")


@pytest.mark.parametrize(
    ("one", "other", "error"),
    [
        pytest.param(5, 5, SelfTie, id="a relation with oneself"),
        pytest.param(-1, 5, ValueError, id="below 0"),
        pytest.param(5, INT8_MAX + 1, ValueError, id="beyond the ledger's numbers"),
    ],
)
def test_a_tie_that_cannot_be(ledger_dsn: str, one: int, other: int, error: type[Exception]) -> None:
    async def go() -> None:
        pool = Pool(ledger_dsn, "xiu_live", SECRET)
        try:
            async with pool.transaction("test") as conn:
                await interact(conn, "live", "gift", one, other, T, "gift:5:a")
        finally:
            await pool.close()

    with pytest.raises(error):
        asyncio.run(go())
    assert rows(ledger_dsn, "SELECT count(*)::int FROM live.interaction") == [(0,)]
