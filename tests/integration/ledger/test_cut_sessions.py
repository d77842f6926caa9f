"""Sessions that PostgreSQL drops: no reader hears of it; a change is made once, or left in doubt."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import psycopg
import pytest

from system.contract.errors import StoreUnknown
from system.ledger import access
from system.ledger.access import Pool
from system.ledger.migrate import migrate
from tests.support.deadline import until
from tests.support.sessions import dropped, none_left

SECRET = bytes(range(64))
ROLE = "xiu_live"


def played(dsn: str, scene: Callable[[Pool], Awaitable[None]], size: int = 4) -> None:
    async def run() -> None:
        await migrate(dsn, SECRET)
        pool = Pool(dsn, ROLE, SECRET, size=size, timeout_s=30.0)
        try:
            await asyncio.gather(*(pool.fetch(b"SELECT pg_sleep(0.1)") for _ in range(size)))
            await scene(pool)
        finally:
            await pool.close()

    asyncio.run(run())


def test_a_read_never_meets_a_session_that_was_dropped_while_idle(postgres_dsn: str) -> None:
    async def scene(pool: Pool) -> None:
        for _ in range(2):
            assert dropped(postgres_dsn) == 4
            await none_left(postgres_dsn)
            rows = await asyncio.gather(*(pool.fetch(b"SELECT 1") for _ in range(10)))
            assert rows == [[(1,)]] * 10
            await asyncio.gather(*(pool.fetch(b"SELECT pg_sleep(0.1)") for _ in range(4)))

    played(postgres_dsn, scene)


def test_a_read_whose_session_is_dropped_under_it_is_asked_once_more(postgres_dsn: str) -> None:
    async def scene(pool: Pool) -> None:
        with psycopg.connect(postgres_dsn, autocommit=True) as holder:
            holder.execute("SELECT pg_advisory_lock(7)")

            def waiting() -> set[int]:
                text = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'"
                return {pid for (pid,) in holder.execute(text).fetchall()}

            reads = asyncio.gather(*(pool.fetch(b"SELECT 7 FROM pg_advisory_xact_lock_shared(7)") for _ in range(3)))

            async def under_way() -> bool:
                return len(waiting()) == 3

            await until(under_way, what="three reads under way")
            first = waiting()
            dropped(postgres_dsn)

            async def asked_again() -> bool:
                return len(waiting() - first) == 3

            await until(asked_again, what="three reads under way in other sessions")
            holder.execute("SELECT pg_advisory_unlock(7)")
            assert await reads == [[(7,)]] * 3

    played(postgres_dsn, scene)


def test_a_read_that_finds_only_dead_sessions_opens_a_fresh_one(
    postgres_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The end of a session may come between the look and the statement: then nothing is known beforehand."""
    monkeypatch.setattr(access, "_spoken_to", lambda conn: False)

    async def scene(pool: Pool) -> None:
        assert dropped(postgres_dsn) == 4
        await none_left(postgres_dsn)
        for _ in range(5):
            assert await pool.fetch(b"SELECT 1") == [(1,)]

    played(postgres_dsn, scene)


def test_a_change_is_not_asked_twice(postgres_dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What may have happened is left in doubt; the next one has a fresh session."""
    monkeypatch.setattr(access, "_spoken_to", lambda conn: False)

    async def scene(pool: Pool) -> None:
        assert dropped(postgres_dsn) == 4
        await none_left(postgres_dsn)
        with pytest.raises(StoreUnknown):
            async with pool.transaction() as conn:
                await conn.execute(b"SELECT 1")
        async with pool.transaction() as conn:
            await conn.execute(b"SELECT 1")

    played(postgres_dsn, scene)


def test_a_read_without_an_answer_in_time_is_not_asked_again(postgres_dsn: str) -> None:
    async def scene(pool: Pool) -> None:
        pool.timeout_s = 0.3
        with pytest.raises(StoreUnknown, match="in time"):
            # A sequence counts what was asked, whatever became of it.
            await pool.fetch(b"SELECT nextval('live.transfer_transfer_seq'), pg_sleep(5)")
        with psycopg.connect(postgres_dsn) as conn:
            assert conn.execute("SELECT last_value FROM live.transfer_transfer_seq").fetchall() == [(1,)]

    played(postgres_dsn, scene, size=1)
