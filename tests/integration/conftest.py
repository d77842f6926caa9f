"""A migrated database for the tests of one worker, its lanes empty in each test, and a Valkey without anything of
another test.
"""

from __future__ import annotations

import asyncio

import psycopg
import pytest

from system.contract.ids import LANES
from system.ledger.migrate import migrate
from tests.support.books import SECRET
from tests.support.stores import PostgresServer, ValkeyServer


@pytest.fixture(scope="session")
def migrated_dsn(postgres_server: PostgresServer) -> str:
    """Made once a worker: a database costs a second where cores are shared."""
    url = postgres_server.create_database("ledger_of_the_session")
    asyncio.run(migrate(url, SECRET))
    return url


@pytest.fixture
def ledger_dsn(migrated_dsn: str) -> str:
    """The dsn of the migrated database, both lanes empty."""
    with psycopg.connect(migrated_dsn, autocommit=True) as conn:
        found = conn.execute("SELECT schemaname, tablename FROM pg_tables WHERE schemaname = ANY(%s)", (list(LANES),))
        tables = ", ".join(f"{lane}.{table}" for lane, table in found)
        conn.execute(f"TRUNCATE {tables} RESTART IDENTITY CASCADE".encode())
    return migrated_dsn


@pytest.fixture
def fresh_valkey(valkey_server: ValkeyServer) -> ValkeyServer:
    """No streams, no fences, no functions of another test: round ids begin at 1 in each database."""
    valkey_server.command_line("FLUSHALL")
    valkey_server.command_line("FUNCTION FLUSH")
    return valkey_server
