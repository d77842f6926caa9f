"""A ledger made by an earlier program: its audit says its version and closes, before the migration and after."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from system.audit.close import audit
from system.contract.errors import StoreRefused
from system.contract.ids import LANES, Lane
from system.ledger.migrate import migrate
from system.ledger.steps import steps
from tests.support.control import SECRET, running, settings_of
from tests.support.older_ledger import OLDER, put_back
from tests.support.played_front import PlayedFront, credit
from tests.support.stores import PostgresServer, ValkeyServer

VERSIONS = sorted(path.stem for path in OLDER.glob("*.sql"))


@pytest.fixture(params=VERSIONS)
def older(
    request: pytest.FixtureRequest, postgres_server: PostgresServer, fresh_valkey: ValkeyServer
) -> tuple[str, str, str]:
    """(version, the ledger's url, the win log's url), as that program left them, with its roles."""
    asyncio.run(migrate(postgres_server.create_database("roles_of_older"), SECRET))
    url = postgres_server.create_database("older")
    put_back(request.param, url, fresh_valkey)
    return request.param, url, fresh_valkey.url


def books(url: str, valkey_url: str, lane: Lane) -> tuple[list[str], list[int], list[int]]:
    """(notes, wins posted of each round, fen held) of an audit that has to close."""
    report = asyncio.run(audit(url, valkey_url, SECRET, lane))
    assert report.valid, [one for one in report.findings if one.valid is False]
    return list(report.notes), [one.wins_posted for one in report.rounds], [one.suspense_fen for one in report.rounds]


def test_its_audit_closes_before_the_migration_and_after_and_says_which_version_it_was(
    older: tuple[str, str, str],
) -> None:
    version, url, valkey_url = older
    newest = steps()[-1].number
    before = {lane: books(url, valkey_url, lane) for lane in LANES}
    for notes, posted, held in before.values():
        (note,) = notes
        assert note.startswith(f"the ledger is of version {int(version)} ({steps()[int(version)].name}")
        assert note.endswith(f"this program's is {newest}: read as it is")
        assert posted == [5]
        assert all(fen > 0 for fen in held), "an entry was set aside"
    asyncio.run(migrate(url, SECRET))
    with psycopg.connect(url) as conn:
        noted = conn.execute("SELECT number, checksum FROM control.migration ORDER BY number").fetchall()
    assert noted == [(step.number, step.checksum) for step in steps()]
    assert {lane: books(url, valkey_url, lane)[1:] for lane in LANES} == {lane: one[1:] for lane, one in before.items()}
    assert books(url, valkey_url, "live")[0] == []


def test_the_program_goes_on_with_it(older: tuple[str, str, str]) -> None:
    """Control opens it, keeps its switch, and plays one more round."""
    _, url, valkey_url = older

    async def play() -> None:
        async with running(settings_of(url, valkey_url)) as api, credit(api) as worker:
            assert (await api.get("/v1/switches"))[1]["switches"]["draw.shed_percent"] == 20
            number = await api.make_round()
            assert number == 3, "of both lanes' rounds"
            front = await PlayedFront(api, number).start()
            await front.lease()
            await front.append((7, 0))
            await worker.once()
            api.end_window()
            await api.close(number)
            assert await front.confirm() == 200
            await api.closed(number)

    asyncio.run(play())
    assert books(url, valkey_url, "live")[:2] == ([], [5, 1])


def test_the_command_says_which_version_it_reads(older: tuple[str, str, str], tmp_path: Path) -> None:
    version, url, valkey_url = older
    secret = tmp_path / "secret"
    secret.write_text(SECRET.hex())
    env = os.environ | {"XIU_POSTGRES_URL": url, "XIU_VALKEY_URL": valkey_url, "XIU_SECRET_FILE": str(secret)}
    argv = [sys.executable, "-m", "system.audit", "--lane", "stress"]
    done = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert f"note: the ledger is of version {int(version)} (" in done.stdout
    assert "The books are closed to the fen." in done.stdout


def test_a_ledger_of_a_newer_program_is_not_read(migrated_dsn: str, fresh_valkey: ValkeyServer) -> None:
    """What a later program changed in the tables, nobody knows here."""
    number = steps()[-1].number + 1
    with psycopg.connect(migrated_dsn, autocommit=True) as conn:
        conn.execute("INSERT INTO control.migration (number, name) VALUES (%s, 'later')", (number,))
        try:
            with pytest.raises(StoreRefused, match=f"of version {number} .later., this program knows {number - 1}"):
                asyncio.run(audit(migrated_dsn, fresh_valkey.url, bytes(range(32)), "live"))
        finally:
            conn.execute("DELETE FROM control.migration WHERE number = %s", (number,))
