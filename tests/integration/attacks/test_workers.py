"""Two credit workers of one stream: a COMMIT that comes late, one frozen while the other goes on. Money moves once."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from system.contract.errors import StoreUnknown
from system.credit.post import BatchParameters, post
from system.ledger.access import transaction
from tests.support.deadline import until
from tests.support.played_front import credit
from tests.support.stage import Stage, stage
from tests.support.stores import ValkeyServer

USERS = range(5)


async def some_wins(s: Stage) -> None:
    async with s.front() as front:
        for uid in USERS:
            assert await s.tap(front, uid) is not None


async def somebody_waits(s: Stage) -> bool:
    return bool(s.sql("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"))


async def paid_once(s: Stage, folder: Path) -> None:
    assert set(s.posted()) == set(USERS)
    assert s.sql("SELECT count(*) FROM live.duplicate") == [(0,)], "not even the tripwire was touched"
    assert await s.broken(folder) == {}


def test_a_commit_that_comes_late(postgres_dsn: str, fresh_valkey: ValkeyServer, tmp_path: Path) -> None:
    """The other worker waits at the stream's row, then finds the offset moved."""

    async def attack(s: Stage) -> None:
        await some_wins(s)
        granted, prepared = await s.read()
        async with credit(s.api) as other:
            async with s.worker._connection("batch", 30) as conn, transaction(conn):
                await post(conn, BatchParameters((await other._streams())[0].name, granted), prepared)
                second = asyncio.create_task(other.once())
                await until(lambda: somebody_waits(s), "the other one at the row")
                assert s.posted() == {}
            await second
            await other.once()
        await paid_once(s, tmp_path)

    stage(postgres_dsn, fresh_valkey, attack)


def test_frozen_between_reading_and_posting(postgres_dsn: str, fresh_valkey: ValkeyServer, tmp_path: Path) -> None:
    """Thawed after the other took over, its batch is refused: the offset is not what it read."""

    async def attack(s: Stage) -> None:
        await some_wins(s)
        granted, prepared = await s.read()
        async with credit(s.api) as other:
            await other.once()
            assert len(s.posted()) == len(USERS)
            step = BatchParameters((await other._streams())[0].name, granted)
        assert await s.worker._post(step, prepared) is False
        await s.credited()
        await paid_once(s, tmp_path)

    stage(postgres_dsn, fresh_valkey, attack)


def test_frozen_within_its_transaction(postgres_dsn: str, fresh_valkey: ValkeyServer, tmp_path: Path) -> None:
    """It holds the row: the other gives up at its deadline, changes nothing, and finds the offset moved in the end."""

    async def attack(s: Stage) -> None:
        await some_wins(s)
        granted, prepared = await s.read()
        async with credit(s.api) as other:
            other._settings = replace(other._settings, store_timeout_s=0.3)
            async with s.worker._connection("batch", 30) as conn, transaction(conn):
                await post(conn, BatchParameters((await other._streams())[0].name, granted), prepared)
                with pytest.raises(StoreUnknown):
                    await other.once()
                assert s.posted() == {}
            other._settings = s.worker._settings
            for _ in range(2):
                await other.once()
        await paid_once(s, tmp_path)

    stage(postgres_dsn, fresh_valkey, attack)
