"""The look at the stress lane's stores: whole, apart from the live lane's, not writable, writable by the wrong role."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from system.audit.checksum import checksum
from system.audit.shadow import KEY, main, shadow
from system.contract.audit import ShadowReport
from system.contract.records import OTHER_LANE, SAYS_LANE
from tests.support.books import SECRET, Books
from tests.support.stores import ValkeyServer


@pytest.fixture
def books(ledger_dsn: str, valkey_server: ValkeyServer) -> Books:
    return Books(ledger_dsn, valkey_server.url)


def looked(books: Books) -> ShadowReport:
    return asyncio.run(shadow(books.postgres_url, books.valkey_url, SECRET))


def test_whole_and_the_live_lane_is_summed_up(books: Books) -> None:
    before = asyncio.run(checksum(books.postgres_url, books.valkey_url, SECRET, "live"))
    found = looked(books)
    assert found.problems == ()
    assert found.live == before
    assert asyncio.run(checksum(books.postgres_url, books.valkey_url, SECRET, "live")) == before, "it changed nothing"


BROKEN = [
    pytest.param(
        "ALTER TABLE stress.posting ADD COLUMN more int", "ALTER TABLE stress.posting DROP COLUMN more",
        "only the stress lane has posting.more (integer)", id="a column more",
    ),
    pytest.param(
        "ALTER TABLE stress.holding RENAME TO held", "ALTER TABLE stress.held RENAME TO holding",
        "only the live lane has holding.account (text not null)", id="a table that lacks",
    ),
    pytest.param(
        "REVOKE INSERT ON stress.posting FROM xiu_stress", "GRANT INSERT ON stress.posting TO xiu_stress",
        "the stress role cannot write the stress lane: ", id="no right of its own",
    ),
    pytest.param(
        "GRANT USAGE ON SCHEMA live TO xiu_stress; GRANT SELECT, INSERT ON live.posting TO xiu_stress",
        "REVOKE ALL ON live.posting FROM xiu_stress; REVOKE ALL ON SCHEMA live FROM xiu_stress",
        "the stress role may write the live lane", id="a right too many",
    ),
    pytest.param(
        "GRANT USAGE ON SCHEMA stress TO xiu_live; GRANT SELECT, INSERT ON stress.posting TO xiu_live",
        "REVOKE ALL ON stress.posting FROM xiu_live; REVOKE ALL ON SCHEMA stress FROM xiu_live",
        "the live role may write the stress lane", id="the live role, too",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("hurt", "undo", "says"), BROKEN)
def test_each_way_to_be_broken_is_told(books: Books, hurt: str, undo: str, says: str) -> None:
    books.sql(hurt)
    try:
        assert any(line.startswith(says) for line in looked(books).problems)
    finally:
        books.sql(undo)
    assert looked(books).problems == ()


@pytest.mark.parametrize("lane", ["live", "stress"])
def test_what_comes_from_the_other_lane_is_counted_where_it_was_met(books: Books, lane: str) -> None:
    before = looked(books)
    books.sql(
        f"INSERT INTO {lane}.round (round, packets, budget_fen, start_us, end_us, release_ms, sponsors, seed,"
        f" commitment, created_us) VALUES (77, 1, 1, 0, 1, 1, '[]', decode(repeat('00', 32), 'hex'), 'c', 0);"
        f"INSERT INTO {lane}.batch (kind, round, committed_us) VALUES ('credit', 77, 0);"
        f"INSERT INTO {lane}.suspense SELECT max(batch), 77, 0, 1, 1, 0, 0, 1, 1, 1, 0, 0, 0, '{OTHER_LANE}'"
        f" FROM {lane}.batch"
    )
    other = "live" if lane == "stress" else "stress"
    stopped = f"foreign: entry 1-1 {SAYS_LANE.format(lane=other)} round 77, front 0"
    books.sql(f"INSERT INTO {lane}.stream (round, front, cell, stopped) VALUES (77, 0, 0, '{stopped}')")
    books.sql(f"INSERT INTO {lane}.stream (round, front, cell, stopped) VALUES (77, 1, 0, 'gap: 1-2 is missing')")
    after = looked(books)
    grown = {"live": after.into_live - before.into_live, "stress": after.into_stress - before.into_stress}
    assert grown == {"live": 0, "stress": 0} | {lane: 2}


def test_nothing_stays_in_the_win_log(books: Books) -> None:
    looked(books)

    async def left() -> object:
        await books.open()
        try:
            return await books.store.command("EXISTS", KEY)
        finally:
            await books.close()

    assert asyncio.run(left()) == 0


def environment(books: Books, folder: Path, **changes: str) -> dict[str, str]:
    key = folder / "key"
    key.write_text(SECRET.hex())
    told = {"XIU_POSTGRES_URL": books.postgres_url, "XIU_VALKEY_URL": books.valkey_url, "XIU_SECRET_FILE": str(key)}
    return {**told, **changes}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        pytest.param({}, 0, id="all is there"),
        pytest.param({"XIU_SECRET_FILE": "/nowhere"}, 2, id="no key"),
        pytest.param({"XIU_POSTGRES_URL": "postgresql://127.0.0.1:9/none"}, 5, id="no ledger"),
        pytest.param({"XIU_VALKEY_URL": "redis://127.0.0.1:9"}, 5, id="no log"),
    ],
)
def test_as_a_command(
    books: Books, tmp_path: Path, changes: dict[str, str], code: int, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    for name, value in environment(books, tmp_path, **changes).items():
        monkeypatch.setenv(name, value)
    assert main(["--json"]) == code
    printed = capsys.readouterr()
    if code:
        assert printed.err.startswith("shadow: ")
    else:
        assert ShadowReport.model_validate_json(printed.out).problems == ()
        assert main([]) == 0
        assert "nothing stands against a stress run" in capsys.readouterr().out
