"""Schemas, roles and rights on a real PostgreSQL: a migration repeats, a lane's role touches its lane alone."""

from __future__ import annotations

import asyncio

import pytest

from system.contract.errors import StoreRefused, StoreUnknown
from system.ledger.access import Pool, Role, connect, open_url
from system.ledger.migrate import migrate
from system.ledger.statements import statement
from system.ledger.steps import beginning
from system.ledger.translate import translated

SECRET = bytes(range(32))


@pytest.fixture
def database(postgres_dsn: str) -> str:
    asyncio.run(migrate(postgres_dsn, SECRET))
    return postgres_dsn


def run_as(url: str, role: Role, statement: bytes) -> None:
    async def go() -> None:
        async with await connect(url, role, SECRET) as conn:
            with translated("test"):
                await conn.execute(statement)

    asyncio.run(go())


def test_migrate_again_changes_nothing(database: str) -> None:
    async def tables() -> list[tuple[object, ...]]:
        async with await connect(database, "xiu_control", SECRET) as conn:
            rows = await conn.execute(
                "SELECT table_schema, table_name, column_name FROM information_schema.columns"
                " WHERE table_schema IN ('control', 'live', 'stress') ORDER BY 1, 2, 3"
            )
            return await rows.fetchall()

    before = asyncio.run(tables())
    asyncio.run(migrate(database, SECRET))
    assert before == asyncio.run(tables())
    assert {row[0] for row in before} == {"control", "live", "stress"}


def test_a_ledger_whose_switches_had_no_lane_keeps_their_values_in_both(empty_dsn: str) -> None:
    """The tables as they were before switches had lanes, with a value and a change in them."""

    async def go() -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
        async with await open_url(empty_dsn, name="test") as conn:
            await conn.execute("DROP SCHEMA IF EXISTS control CASCADE")
            await conn.execute(beginning().control.encode())
            await conn.execute("INSERT INTO control.switch (key, value) VALUES ('draw.shed_percent', 20)")
            await conn.execute(
                "INSERT INTO control.switch_history (key, before, after, who, why, at_us)"
                " VALUES ('draw.shed_percent', 0, 20, 'me', '', 1)"
            )
        for _ in range(2):
            await migrate(empty_dsn, SECRET)
        async with await connect(empty_dsn, "xiu_control", SECRET) as conn:
            rows = await (await conn.execute(statement("control_switches", "live"))).fetchall()
            told = await (await conn.execute(statement("control_switch_history", "live"), {"limit": 9})).fetchall()
            return rows, told

    rows, told = asyncio.run(go())
    assert sorted(rows) == [("draw.shed_percent", "live", None, 20), ("draw.shed_percent", "stress", None, 20)]
    assert [row[1:7] for row in told] == [("draw.shed_percent", None, None, 0, 20, "me")]


@pytest.mark.parametrize(
    ("role", "statement"),
    [
        pytest.param("xiu_live", b"SELECT * FROM stress.posting", id="live may not read stress"),
        pytest.param("xiu_stress", b"SELECT * FROM live.posting", id="stress may not read live"),
        pytest.param("xiu_stress", b"UPDATE live.lease SET used = ''", id="stress may not write live"),
        pytest.param("xiu_stress", b"INSERT INTO live.posting SELECT * FROM stress.posting", id="stress posts to live"),
        pytest.param("xiu_live", b"INSERT INTO stress.posting SELECT * FROM live.posting", id="live posts to stress"),
        pytest.param("xiu_stress", b"INSERT INTO live.leg SELECT * FROM stress.leg", id="stress transfers to live"),
        pytest.param("xiu_live", b"INSERT INTO stress.leg SELECT * FROM live.leg", id="live transfers to stress"),
        pytest.param("xiu_stress", b"UPDATE live.holding SET amount = amount", id="stress moves live money"),
        pytest.param("xiu_live", b"UPDATE stress.holding SET amount = amount", id="live moves stress money"),
        pytest.param("xiu_live", b"SELECT * FROM control.switch", id="a lane may not read control"),
        pytest.param("xiu_live", b"DELETE FROM live.posting", id="nobody deletes a posting"),
        pytest.param("xiu_control", b"DELETE FROM live.posting", id="control deletes no posting either"),
        pytest.param("xiu_live", b"UPDATE live.posting SET fen = 1", id="nobody changes a posting"),
        pytest.param("xiu_live", b"UPDATE live.round SET state = 'closed'", id="a lane closes no round"),
        pytest.param("xiu_live", b"UPDATE live.stream SET granted = 9", id="a lane grants no epoch"),
        pytest.param("xiu_live", b"CREATE TABLE live.mine (x int)", id="a lane makes no table"),
    ],
)
def test_refused(database: str, role: Role, statement: bytes) -> None:
    with pytest.raises(StoreRefused, match="permission denied"):
        run_as(database, role, statement)


@pytest.mark.parametrize(
    ("role", "statement"),
    [
        pytest.param("xiu_live", b"SELECT * FROM live.posting", id="own lane"),
        pytest.param("xiu_stress", b"SELECT 1 FROM stress.round FOR KEY SHARE", id="credit locks a round"),
        pytest.param("xiu_control", b"SELECT 1 FROM live.round FOR UPDATE", id="control locks a round for the close"),
        pytest.param("xiu_control", b"SELECT nextval('control.round_id')", id="control numbers rounds"),
    ],
)
def test_allowed(database: str, role: Role, statement: bytes) -> None:
    run_as(database, role, statement)
    assert True


def test_a_lane_has_no_right_on_anything_of_the_other(database: str) -> None:
    """Every table, view and sequence that any migration brought, and those that the next one brings."""

    async def go() -> list[tuple[object, ...]]:
        async with await open_url(database, name="test") as conn:
            rows = await conn.execute(
                "SELECT role, n.nspname, c.relname, has_schema_privilege(role, n.oid, 'USAGE, CREATE'), CASE c.relkind"
                " WHEN 'S' THEN has_sequence_privilege(role, c.oid, 'USAGE, SELECT, UPDATE')"
                " ELSE has_table_privilege(role, c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES') END"
                " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace,"
                " LATERAL (SELECT CASE n.nspname WHEN 'live' THEN 'xiu_stress' ELSE 'xiu_live' END AS role)"
                " WHERE n.nspname IN ('live', 'stress') AND c.relkind IN ('r', 'p', 'v', 'm', 'S')"
            )
            return await rows.fetchall()

    found = asyncio.run(go())
    assert len({name for _, schema, name, *_ in found if schema == "live"}) >= 25, "all that stands there is looked at"
    assert [row for row in found if row[3] or row[4]] == []


def test_pool_rolls_back_and_goes_on(database: str) -> None:
    async def go() -> list[tuple[object, ...]]:
        pool = Pool(database, "xiu_control", SECRET, size=1)
        insert = b"INSERT INTO control.switch VALUES ('a', 1, 'live')"

        async def twice() -> None:
            async with pool.transaction() as conn:
                await conn.execute(insert)
                await conn.execute(insert)

        async def slow() -> None:
            async with pool.connection(timeout_s=0.1) as conn:
                await conn.execute("SELECT pg_sleep(5)")

        with pytest.raises(StoreRefused, match="duplicate key"):
            await twice()
        with pytest.raises(StoreUnknown, match="in time"):
            await slow()
        try:
            return await pool.fetch(b"SELECT * FROM control.switch")
        finally:
            await pool.close()

    assert asyncio.run(go()) == []


def test_nobody_there_is_refused() -> None:
    with pytest.raises(StoreRefused, match="no connection"):
        asyncio.run(connect("postgresql://127.0.0.1:1/none", "xiu_live", SECRET, timeout_s=2))
