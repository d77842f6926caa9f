"""The checksum of a lane: equal as long as nothing changes, another one after any change, blind to the other lane."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from system.audit.checksum import checksum, main
from system.contract.audit import LaneSum
from system.contract.ids import Lane
from tests.support.books import SECRET, Books
from tests.support.closed_books import close_books
from tests.support.stores import ValkeyServer


@pytest.fixture
def books(ledger_dsn: str, valkey_server: ValkeyServer) -> Books:
    made = Books(ledger_dsn, valkey_server.url)
    close_books(made)
    return made


def summed(books: Books, lane: Lane = "live") -> LaneSum:
    return asyncio.run(checksum(books.postgres_url, books.valkey_url, SECRET, lane))


def test_equal_as_long_as_nothing_changes(books: Books) -> None:
    first, again = summed(books), summed(books)
    assert first == again
    by_name = {one.name: one for one in first.tables}
    of_draw = {"round", "stream", "lease", "batch", "posting", "suspense", "entry", "duplicate"}
    every = {name for (name,) in books.sql("SELECT tablename FROM pg_tables WHERE schemaname = '{}'")}
    derived = {"strength_day", "strength_user"}
    assert every > derived
    assert set(by_name) == {f"live.{name}" for name in every - derived}
    assert every > of_draw | {"transfer", "leg", "holding"}
    assert by_name["live.posting"].rows == books.sql("SELECT count(*) FROM {}.posting")[0][0] > 0
    assert by_name["live.suspense"].rows == 0
    assert any(one.rows > 0 for one in first.streams if one.name.startswith(f"win:{{{books.cell}}}:live:"))


def test_the_snapshot_of_a_day_that_is_over_is_no_change(books: Books) -> None:
    before = summed(books)
    books.sql("INSERT INTO {}.strength_day (day, ties) VALUES (1, '{0}')")
    books.sql("INSERT INTO {}.strength_user (uid, day, strength, made) VALUES (1, 1, 0.5, 0)")
    assert summed(books) == before


CHANGES: list[tuple[str, str, str]] = [
    ("posting", "UPDATE {}.posting SET fen = fen + 1 WHERE ctid = (SELECT min(ctid) FROM {}.posting)", "one fen"),
    ("posting", "INSERT INTO {}.posting SELECT * FROM {}.posting LIMIT 1", "a row twice"),
    ("entry", "DELETE FROM {}.entry WHERE ctid = (SELECT min(ctid) FROM {}.entry)", "a row gone"),
    ("round", "UPDATE {}.round SET closed_us = closed_us + 1", "a time"),
    ("lease", "UPDATE {}.lease SET used = set_byte(used, 0, get_byte(used, 0) # 1)", "one bit of a bitmap"),
]


@pytest.mark.parametrize(("table", "change"), [pytest.param(t, c, id=i) for t, c, i in CHANGES])
def test_any_change_is_seen_and_its_table_named(books: Books, table: str, change: str) -> None:
    before = summed(books)
    books.sql(change)
    after = summed(books)
    assert after.checksum != before.checksum
    assert [a.name for a, b in zip(after.tables, before.tables, strict=True) if a != b] == [f"live.{table}"]
    assert after.streams == before.streams


@pytest.mark.parametrize("change", [pytest.param(c, id=i) for _, c, i in CHANGES])
def test_a_round_can_be_left_out_with_its_money_and_its_streams(books: Books, change: str) -> None:
    (number,) = books.rounds

    def without(round_id: int) -> LaneSum:
        return asyncio.run(checksum(books.postgres_url, books.valkey_url, SECRET, "live", round_id))

    before, other = without(number), without(number + 1)
    assert other == summed(books), "all of it is of the one round there is"
    rows = {one.name: one.rows for one in before.tables}
    assert [rows[f"live.{name}"] for name in ("round", "stream", "lease", "batch", "posting", "entry")] == [0] * 6
    assert before.streams == ()
    books.sql(change)
    assert without(number) == before
    assert without(number + 1) != other


def test_two_rows_that_change_places_are_no_change(books: Books) -> None:
    before = summed(books)
    books.sql(
        "WITH gone AS (DELETE FROM {}.posting RETURNING *) INSERT INTO {}.posting SELECT * FROM gone ORDER BY fen"
    )
    assert summed(books) == before


def test_an_entry_appended_is_seen_in_its_stream(books: Books) -> None:
    before = summed(books)

    async def append() -> None:
        await books.open()
        try:
            await books.store.command("XADD", books.log(1, 0).key, "99-1", "e", "x")
        finally:
            await books.close()

    asyncio.run(append())
    after = summed(books)
    assert after.tables == before.tables
    assert after.checksum != before.checksum


@pytest.mark.parametrize("prefix", ["win", "fence"])
def test_a_key_of_another_type_is_summed_as_what_it_is(books: Books, prefix: str) -> None:
    """Somebody wrote over it by hand: seen, and no reason to sum up nothing at all."""
    key = books.log(1, 9).key.replace("win:", f"{prefix}:")

    async def hand(*command: object) -> None:
        await books.open()
        try:
            await books.store.command(*command)
        finally:
            await books.close()

    try:
        asyncio.run(hand("RPUSH", key, "a"))
        before = summed(books)
        assert [one.checksum.split()[2] for one in before.streams if one.name == key] == ["list"]
        asyncio.run(hand("RPUSH", key, "b"))
        assert summed(books).checksum != before.checksum
    finally:
        asyncio.run(hand("DEL", key))


def test_the_other_lane_is_another_sum(books: Books) -> None:
    stress = summed(books, "stress")
    books.sql("UPDATE live.posting SET fen = fen + 1")
    assert summed(books, "stress") == stress
    assert all(one.rows == 0 for one in stress.tables)


def environment(books: Books, folder: Path, **changes: str) -> dict[str, str]:
    key = folder / "key"
    key.write_text(SECRET.hex())
    told = {"XIU_POSTGRES_URL": books.postgres_url, "XIU_VALKEY_URL": books.valkey_url, "XIU_SECRET_FILE": str(key)}
    return {**os.environ, **told, **changes}


def test_the_command_prints_one_document(books: Books, tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "system.audit.checksum", "--lane", "live", "--json"]
    done = subprocess.run(argv, env=environment(books, tmp_path), capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert LaneSum.model_validate_json(done.stdout).lane == json.loads(done.stdout)["lane"] == "live"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        pytest.param({"XIU_SECRET_FILE": "/nowhere"}, 2, id="no key"),
        pytest.param({"XIU_POSTGRES_URL": "postgresql://127.0.0.1:9/none"}, 5, id="no ledger"),
        pytest.param({"XIU_VALKEY_URL": "redis://127.0.0.1:9"}, 5, id="no log"),
    ],
)
def test_what_is_missing_is_said(
    books: Books, tmp_path: Path, changes: dict[str, str], code: int, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    for name, value in environment(books, tmp_path, **changes).items():
        monkeypatch.setenv(name, value)
    assert main(["--json"]) == code
    assert capsys.readouterr().err.startswith("checksum: ")


def test_the_table_is_readable(
    books: Books, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in environment(books, tmp_path).items():
        monkeypatch.setenv(name, value)
    assert main([]) == 0
    assert "live.posting" in capsys.readouterr().out
