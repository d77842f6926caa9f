"""A migrated database for the tests of one worker; each test begins with its lanes empty."""

from __future__ import annotations

import asyncio

import psycopg
import pytest

from system.contract.ids import LANES
from system.ledger.migrate import migrate
from tests.integration.books import SECRET
from tests.stores import PostgresServer

_TABLES = ("round", "stream", "lease", "batch", "posting", "suspense", "entry", "duplicate")


@pytest.fixture(scope="session")
def migrated_dsn(postgres_server: PostgresServer) -> str:
    """Made once a worker: a database costs a second where cores are shared."""
    url = postgres_server.create_database("ledger_of_the_session")
    asyncio.run(migrate(url, SECRET))
    return url


@pytest.fixture
def ledger_dsn(migrated_dsn: str) -> str:
    """The dsn of the migrated database, both lanes empty."""
    tables = ", ".join(f"{lane}.{table}" for lane in LANES for table in _TABLES)
    with psycopg.connect(migrated_dsn, autocommit=True) as conn:
        conn.execute(f"TRUNCATE {tables} RESTART IDENTITY CASCADE".encode())
    return migrated_dsn
