"""Migrations on a real PostgreSQL: each once, noted with its checksum; killed inside, applied whole or not at all."""

from __future__ import annotations

import asyncio
from pathlib import Path

import psycopg
import pytest

from system.contract.errors import SettingsError, StoreUnknown
from system.ledger.migrate import migrate
from system.ledger.steps import MigrationStep, steps
from tests.support.deadline import until
from tests.support.stores import PostgresServer

SECRET = bytes(range(32))


@pytest.fixture
def database(postgres_server: PostgresServer, request: pytest.FixtureRequest) -> str:
    return postgres_server.create_database(request.node.name.split("[")[0][-40:])


def rows(url: str, text: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url, autocommit=True) as conn:
        return conn.execute(text.encode()).fetchall()


def more(text: str) -> list[MigrationStep]:
    """The steps there are, and one more."""
    number = len(steps())
    return [*steps(), MigrationStep(number, f"{number:04}_more", Path("more.sql"), text)]


def migrated(url: str, known: list[MigrationStep] | None = None) -> None:
    asyncio.run(migrate(url, SECRET, known=known))


def test_each_step_is_taken_once_and_noted(database: str) -> None:
    once = more("CREATE TABLE control.more (x int); INSERT INTO control.more VALUES (1);")
    for _ in range(2):
        migrated(database, once)
    noted = rows(database, "SELECT number, name, checksum FROM control.migration ORDER BY number")
    assert noted == [(step.number, step.name, step.checksum) for step in once]
    assert rows(database, "SELECT x FROM control.more") == [(1,)]


def test_a_step_changed_after_it_was_taken_and_a_newer_ledger_are_refused(database: str) -> None:
    migrated(database, more("CREATE TABLE control.more (x int);"))
    with pytest.raises(SettingsError, match=r"^more\.sql:1: changed after the ledger took it"):
        migrated(database, more("CREATE TABLE control.more (x bigint);"))
    with pytest.raises(SettingsError, match=r"^the ledger took \d{4}_more, which this program does not have"):
        migrated(database)


def test_a_step_that_postgres_refuses_names_its_file_and_leaves_nothing(database: str) -> None:
    """At the line; a definite answer, so that whoever starts says so, and does not try for ever."""
    with pytest.raises(SettingsError, match=r"^more\.sql:2: PostgreSQL refuses the step: .*no_such"):
        migrated(database, more("CREATE TABLE control.more (x int);\nSELECT no_such FROM control.more;"))
    assert rows(database, "SELECT to_regclass('control.more'), max(number) FROM control.migration") == [
        (None, steps()[-1].number)
    ]
    migrated(database, more("CREATE TABLE control.more (x int);"))


def test_a_backend_killed_inside_a_step_leaves_nothing_of_it_and_the_next_start_takes_it_whole(database: str) -> None:
    """The step has made its table, and waits for a lock that we hold; its session is ended there."""
    migrated(database)
    text = "CREATE TABLE control.more (x int); LOCK TABLE control.switch; INSERT INTO control.more VALUES (1);"
    waits = (
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'xiu-migrate'"
        " AND wait_event_type = 'Lock'"
    )

    async def waiting() -> bool:
        return bool(rows(database, waits))

    async def killed() -> None:
        with psycopg.connect(database) as holder:
            holder.execute("LOCK TABLE control.switch")
            migration = asyncio.create_task(migrate(database, SECRET, known=more(text)))
            await until(waiting, "the step waits inside")
            assert rows(database, f"SELECT pg_terminate_backend(pid) FROM ({waits}) AS inside") == [(True,)]
            with pytest.raises(StoreUnknown, match=r"migrate: more\.sql"):
                await migration

    asyncio.run(killed())
    assert rows(database, "SELECT to_regclass('control.more'), max(number) FROM control.migration") == [
        (None, steps()[-1].number)
    ]
    migrated(database, more(text))
    assert rows(database, "SELECT x FROM control.more") == [(1,)]


def test_two_at_once_take_each_step_once(database: str) -> None:
    both = more("CREATE TABLE control.more (x int); INSERT INTO control.more VALUES (1);")

    async def at_once() -> None:
        await asyncio.gather(*(migrate(database, SECRET, known=both) for _ in range(2)))

    asyncio.run(at_once())
    assert rows(database, "SELECT x FROM control.more") == [(1,)]
