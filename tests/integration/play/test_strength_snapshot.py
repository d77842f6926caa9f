"""The daily snapshot on a real ledger: in batches, once, goes on where it was; the shift and the jump of a day."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
import psycopg

from system.ledger.access import Pool
from system.ledger.interactions import LANDMARK_US, Interaction, interact_all
from system.play.ties import reading, snapshot, tasks
from system.play.ties.ingest import ingest
from tests.support.books import SECRET

DAY = LANDMARK_US // snapshot.DAY_US + 100
NOON = DAY * snapshot.DAY_US + snapshot.DAY_US // 2


def rows(dsn: str, text: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(dsn, autocommit=True) as conn:
        return conn.execute(text.encode()).fetchall()


def figures() -> list[tuple[str, str, float]]:
    """(metric, through or which figure, value) of the live lane, as Prometheus reads them."""
    samples = [sample for gauge in tasks.COLLECTORS for metric in gauge.collect() for sample in metric.samples]
    return [
        (s.name, s.labels.get("through", s.labels.get("figure", "")), s.value)
        for s in samples
        if s.labels["lane"] == "live"
    ]


def play(dsn: str, body: Callable[[Pool], Awaitable[None]]) -> None:
    async def go() -> None:
        pool = Pool(dsn, "xiu_live", SECRET)
        try:
            await body(pool)
        finally:
            await pool.close()

    asyncio.run(go())


async def whole(pool: Pool, day: int, batch: int = 3) -> int:
    """The day's snapshot to its end; how many batches."""
    batches = 1
    while await snapshot.step(pool, "live", day, batch=batch):
        batches += 1
    return batches


async def tied(pool: Pool, *pairs: tuple[int, int], at_us: int = NOON) -> None:
    async with pool.transaction("test") as conn:
        await ingest(conn, "live", np.array(pairs), at_us)


async def talk(pool: Pool, one: int, other: int, times: int, at_us: int) -> None:
    calls = [Interaction(f"contact:{at_us}:{k}:{one}:{other}", "contact", one, other, at_us) for k in range(times)]
    async with pool.transaction("test") as conn:
        await interact_all(conn, "live", calls)


FORECAST = """INSERT INTO live.programme VALUES ('gala', '{"ties": {"expected": 20, "gained": 110}}', 1) RETURNING 1"""
RING = [(k, k + 1) for k in range(1, 8)] + [(1, 3)]


def test_it_counts_each_tie_once_in_whatever_batches_and_once_a_day(ledger_dsn: str) -> None:
    async def body(pool: Pool) -> None:
        await tied(pool, *RING)
        await tied(pool, (50, 51), at_us=(DAY + 1) * snapshot.DAY_US)  # of the next day
        assert await snapshot.step(pool, "live", DAY, batch=3)
        (place,) = rows(ledger_dsn, "SELECT next_lo, next_hi, done FROM live.strength_day")
        assert place == (2, 3, False)
        # What another process has is left to it; what it lost is done by the next one.
        async with pool.transaction("test") as conn:
            await conn.execute("SELECT 1 FROM live.strength_day FOR UPDATE")
            assert not await snapshot.step(pool, "live", DAY, batch=3)
        assert await whole(pool, DAY) == 2
        assert not await snapshot.step(pool, "live", DAY, batch=3)

    play(ledger_dsn, body)
    ((ties, done, jump, makers),) = rows(ledger_dsn, "SELECT ties, done, jump_max, makers FROM live.strength_day")
    assert (sum(ties), done, jump) == (len(RING), True, None)
    assert makers[0] == [1, 2], "user 1 made two ties"
    assert rows(ledger_dsn, "SELECT lo, hi FROM live.tie WHERE mutual = 1 ORDER BY 1, 2") == [(1, 2), (1, 3), (2, 3)]
    ((users, made),) = rows(ledger_dsn, "SELECT count(*)::int, sum(made)::int FROM live.strength_user")
    assert (users, made) == (8, len(RING))


def test_the_next_day_says_how_far_the_scores_moved_and_whose_moved_most(ledger_dsn: str) -> None:
    async def body(pool: Pool) -> None:
        await tied(pool, *RING)
        await whole(pool, DAY)
        assert (await reading.growth(pool, "live")).psi is None, "one day is no shift"
        await whole(pool, DAY + 1)
        quiet = await reading.growth(pool, "live")
        assert quiet.psi is not None
        assert (quiet.psi < 0.01, quiet.jump_points) == (True, 0.0)
        await talk(pool, 6, 7, 40, NOON + 2 * snapshot.DAY_US)
        await whole(pool, DAY + 2)
        moved = await reading.growth(pool, "live")
        assert moved.psi is not None
        assert moved.psi > 0.25
        assert moved.jump_uid == 6, "of 6 and 7 the smaller"
        assert moved.jump_points is not None
        assert moved.jump_points > 50
        # The figures are those that Prometheus reads.
        rows(ledger_dsn, FORECAST)
        await tasks.show(pool, "live")
        shown = {name: value for name, which, value in figures() if which in ("", "import", "expected")}
        assert shown == {
            "hongbao_ties": len(RING), "hongbao_ties_forecast": 20, "hongbao_strength_psi": moved.psi,
            "hongbao_strength_user_jump_points": moved.jump_points,
            "hongbao_strength_snapshot_time_seconds": (DAY + 2) * 86_400,
        }  # fmt: skip
        # A day without a snapshot: nothing to compare with, and no figure is left from before.
        assert ("hongbao_ties_forecast", "gained_2016", 110.0) in figures()
        await whole(pool, DAY + 4)
        rows(ledger_dsn, "UPDATE live.programme SET request = '{}' RETURNING 1")
        await tasks.show(pool, "live")
        assert {name for name, *_ in figures()} == {"hongbao_ties", "hongbao_strength_snapshot_time_seconds"}
        tasks.forget("live")
        assert figures() == []

    play(ledger_dsn, body)


def test_the_day_that_is_over_is_taken_by_the_task(ledger_dsn: str) -> None:
    async def body(pool: Pool) -> None:
        before = await snapshot.due(pool, "live")
        assert not before.finished
        await tasks.take(pool, "live")
        after = await snapshot.due(pool, "live")
        if after.day > before.day:  # midnight came in between
            await tasks.take(pool, "live")
            after = await snapshot.due(pool, "live")
        assert after == snapshot.DueDay(after.day, finished=True)

    play(ledger_dsn, body)
