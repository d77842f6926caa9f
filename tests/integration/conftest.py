"""A migrated database for the tests of one worker, its lanes empty in each test, or a database of the test's own; and a
Valkey without anything of another test.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from system.contract.ids import LANES
from system.ledger.migrate import migrate
from tests.support.books import SECRET
from tests.support.stores import PostgresServer, ValkeyServer, wait_until


@pytest.fixture(scope="session")
def migrated_dsn(postgres_server: PostgresServer) -> str:
    """Made once a worker: a database costs a second where cores are shared."""
    url = postgres_server.create_database("ledger_of_the_session")
    asyncio.run(migrate(url, SECRET))
    return url


def emptied(conn: psycopg.Connection[Any]) -> None:
    """Both lanes as after the migration. Only what a test left something in is truncated: a new file for each of a
    hundred tables and indexes costs more than to look.
    """
    tables = conn.execute("SELECT schemaname, tablename FROM pg_tables WHERE schemaname = ANY(%s)", (list(LANES),))
    names = [f"{lane}.{table}" for lane, table in tables]
    looks = " UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT 1 FROM {name})" for name in names)
    if filled := [name for (name,) in conn.execute(looks.encode())]:
        conn.execute(f"TRUNCATE {', '.join(filled)} CASCADE".encode())
    used = conn.execute(
        "SELECT schemaname, sequencename FROM pg_sequences WHERE schemaname = ANY(%s) AND last_value IS NOT NULL",
        (list(LANES),),
    )
    for lane, sequence in used.fetchall():
        conn.execute(f"ALTER SEQUENCE {lane}.{sequence} RESTART".encode())


def alone(conn: psycopg.Connection[Any]) -> None:
    """No session of a test before is left: one whose client has gone may still carry out what it was asked."""
    others = (
        "SELECT count(pg_terminate_backend(pid))::int FROM pg_stat_activity"
        " WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
    )
    wait_until(lambda: conn.execute(others).fetchone() == (0,), 60, "the end of every session of the tests before")


@pytest.fixture
def ledger_dsn(migrated_dsn: str) -> str:
    """The dsn of the migrated database, both lanes empty."""
    with psycopg.connect(migrated_dsn, autocommit=True) as conn:
        alone(conn)
        emptied(conn)
    return migrated_dsn


@pytest.fixture(scope="session")
def template(postgres_server: PostgresServer) -> str:
    """A migrated database that nobody opens: a copy costs half of a migration."""
    asyncio.run(migrate(postgres_server.create_database("template_of_the_session"), SECRET))
    return "template_of_the_session"


@pytest.fixture
def own_postgres(tmp_path: Path) -> Iterator[PostgresServer]:
    """One of this one test, nearly empty, which it may stop or kill: every file of every database that was made since
    the last checkpoint is synced first, and where many tests made one that takes a minute.
    """
    with PostgresServer(tmp_path / "postgres").running() as server:
        yield server


@pytest.fixture
def postgres_dsn(postgres_server: PostgresServer, template: str, request: pytest.FixtureRequest) -> str:
    """The dsn of a migrated database of this one test: whoever migrates it finds nothing to do. `empty_dsn`: for tests
    of the migration.
    """
    return postgres_server.create_database("t_" + str(abs(hash(request.node.nodeid))), template)


@pytest.fixture
def empty_dsn(postgres_server: PostgresServer, request: pytest.FixtureRequest) -> str:
    """The dsn of an empty database made for this one test."""
    return postgres_server.create_database("t_" + str(abs(hash(request.node.nodeid))))


@pytest.fixture
def fresh_valkey(valkey_server: ValkeyServer) -> ValkeyServer:
    """No streams, no fences, no functions of another test: round ids begin at 1 in each database."""
    for command in ("FLUSHALL", "FUNCTION FLUSH"):
        assert valkey_server.command_line(command) == b"+OK\r\n", f"{command}: no answer; it would hit the test itself"
    return valkey_server
