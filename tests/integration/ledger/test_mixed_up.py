"""Mix-ups of lanes, forced: the store itself refuses each, for every statement of every play, and every table there is.

What is looked at is taken from the files and from PostgreSQL's catalogue, so that a new play or table is not forgotten.
"""

from __future__ import annotations

import asyncio
import re

import psycopg
import pytest

from system.audit.checksum import checksum
from system.contract.ids import Lane
from system.ledger.access import lane_role, role_url
from system.ledger.statements import QUERIES, statement, statements
from tests.support.books import SECRET
from tests.support.stores import ValkeyServer

OF_A_LANE = re.compile(r"\{schema\}\.[a-z]")
DERIVED = {"strength_day", "strength_user"}
"""Made anew by play whenever a day is over, whoever asked for a run: no part of the sum."""


def names() -> list[str]:
    """Statements that touch a table of a lane."""
    return sorted(name for name, one in statements().items() if OF_A_LANE.search(one.text))


@pytest.mark.parametrize(("role", "schema"), [("live", "stress"), ("stress", "live")])
def test_every_statement_with_the_other_lane_s_role_is_refused(migrated_dsn: str, role: Lane, schema: Lane) -> None:
    done: dict[str, str] = {}
    asked = {name: statement(name, schema) for name in names()}
    with psycopg.connect(role_url(migrated_dsn, lane_role(role), SECRET), autocommit=True) as conn:
        for name, text in asked.items():
            plain = re.sub(r"%(\(\w+\))?s", "NULL", text.decode()).replace("%%", "%")
            try:
                with conn.transaction(force_rollback=True):
                    conn.execute(plain.encode())
                    done[name] = "carried out"
            except psycopg.errors.InsufficientPrivilege:
                continue
            except psycopg.Error as exc:
                done[name] = str(exc).splitlines()[0]
    assert done == {}
    folders = {one.file.relative_to(QUERIES).parts[:2] for name, one in statements().items() if name in asked}
    plays = {parts[1] for parts in folders if parts[0] == "play"}
    assert plays >= {"bill", "cards", "fission", "fund", "payouts", "sponsors", "ties", "wallet"}


def test_a_row_in_any_live_table_is_a_change_of_the_sum(postgres_dsn: str, valkey_server: ValkeyServer) -> None:
    """A row of nothing in each table, once nothing forbids it; then one in a table that no migration knows."""

    def changed(before: dict[str, str]) -> set[str]:
        return {name.removeprefix("live.") for name, found in summed().items() if before.get(name) != found}

    def summed() -> dict[str, str]:
        found = asyncio.run(checksum(postgres_dsn, valkey_server.url, SECRET, "live"))
        return {one.name: one.checksum for one in found.tables}

    tables = "SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'live'::regnamespace AND c.relkind IN ('r', 'p')"
    columns = (
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped"
        " AND attidentity = '' AND attnotnull"
    )
    rules = (
        "SELECT conrelid::regclass, conname FROM pg_constraint WHERE connamespace = 'live'::regnamespace AND contype"
    )
    before = summed()
    with psycopg.connect(postgres_dsn) as conn:
        every = {name for (name,) in conn.execute(tables)}
        for kind in ("f", "p", "u", "c"):
            for table, name in conn.execute(f"{rules} = '{kind}'".encode()).fetchall():
                conn.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"'.encode())
        for table in sorted(every):
            for (column,) in conn.execute(columns.encode(), (f"live.{table}",)).fetchall():
                conn.execute(f"ALTER TABLE live.{table} ALTER {column} DROP NOT NULL".encode())
            conn.execute(f"INSERT INTO live.{table} DEFAULT VALUES".encode())
        conn.execute("CREATE TABLE live.of_tomorrow (fen bigint); INSERT INTO live.of_tomorrow VALUES (1)")
        conn.execute("GRANT SELECT ON live.of_tomorrow TO xiu_live")
    assert len(every) > 30
    assert changed(before) == every - DERIVED | {"of_tomorrow"}
