"""`python -m system.control` as a process: starts without its stores, survives them, goes on after kill -9."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.client import HTTPException
from pathlib import Path

import psycopg
import pytest

from system.ledger.migrate import migrate
from tests.support.control import SECRET, SPONSORS
from tests.support.control_process import Process, process_of
from tests.support.stores import PostgresServer, ValkeyServer, wait_until


@pytest.fixture
def control(tmp_path: Path, postgres_dsn: str, fresh_valkey: ValkeyServer) -> Iterator[Process]:
    with process_of(tmp_path / "control", postgres_dsn, fresh_valkey.url) as process:
        yield process


def test_killed_while_closing_it_goes_on(control: Process, postgres_dsn: str) -> None:
    control.start()
    control.ready()
    order = {"sponsors": SPONSORS, "starts_in_ms": 0, "duration_ms": 50}
    number = control.call("POST", "/v1/rounds", order)[1]["round"]
    instance = control.call("POST", "/v1/fronts/0/register")[1]["instance"]
    epoch = control.call("POST", f"/v1/fronts/0/rounds/{number}/epoch", {"instance": instance})[1]["epoch"]
    wait_until(lambda: control.call("POST", f"/v1/rounds/{number}/close")[0] == 200, 60, "the end of the window")
    with psycopg.connect(postgres_dsn) as conn:
        conn.execute("SELECT 1 FROM live.round FOR NO KEY UPDATE")
        control.stop(signal.SIGKILL)
        control.start()
        control.ready()
        assert control.call("GET", f"/v1/rounds/{number}")[1]["state"] == "closing"
    word = {"instance": instance, "epoch": epoch, "sequence": 0}
    assert control.call("POST", f"/v1/fronts/0/rounds/{number}/confirm", word)[0] == 200
    control.stop(signal.SIGKILL)
    control.start()
    wait_until(lambda: control.call("GET", f"/v1/rounds/{number}")[1].get("state") == "closed", 60, "closed")
    with psycopg.connect(postgres_dsn) as conn:
        kinds = conn.execute("SELECT kind, count(*) FROM live.batch GROUP BY kind ORDER BY kind").fetchall()
        assert kinds == [("fund", 1), ("refund", 1)]
        assert conn.execute("SELECT sum(fen) FROM live.entry").fetchone() == (0,)
    assert control.stop() == 0


def test_killed_between_a_number_taken_and_granted(
    control: Process, postgres_dsn: str, fresh_valkey: ValkeyServer
) -> None:
    """The fence of the first number may be raised or not; nobody is ever granted it."""
    control.start()
    control.ready()
    order = {"sponsors": SPONSORS, "starts_in_ms": 0, "duration_ms": 60_000}
    number = control.call("POST", "/v1/rounds", order)[1]["round"]
    instance = control.call("POST", "/v1/fronts/0/register")[1]["instance"]
    path, word = f"/v1/fronts/0/rounds/{number}/epoch", {"instance": instance}

    def numbers() -> tuple[int, int]:
        with psycopg.connect(postgres_dsn) as conn:
            row = conn.execute("SELECT epoch, granted FROM live.stream").fetchone()
            assert row is not None
            return row[0], row[1]

    def ask() -> None:
        with contextlib.suppress(OSError, HTTPException):
            control.call("POST", path, word)

    fresh_valkey.freeze()
    asking = threading.Thread(target=ask)
    try:
        asking.start()
        wait_until(lambda: numbers()[0] >= 1, 60, "a number taken")
        control.stop(signal.SIGKILL)
        asking.join(60)
        spent = numbers()[0]
    finally:
        fresh_valkey.thaw()
    assert numbers() == (spent, 0)
    control.start()
    control.ready()
    granted = control.call("POST", path, word)
    assert granted == (200, {"epoch": spent + 1})
    assert numbers() == (spent + 1, spent + 1)


def test_without_stores_it_lives_and_says_so(
    own_postgres: PostgresServer, fresh_valkey: ValkeyServer, tmp_path: Path
) -> None:
    url = own_postgres.create_database("ledger")
    own_postgres.stop()
    with process_of(tmp_path / "control", url, fresh_valkey.url) as control:
        control.start()
        assert control.call("GET", "/readyz")[0] == 503
        status, answer = control.call("GET", "/v1/switches")
        assert (status, answer["error"]["code"]) == (503, "store_refused")
        assert control.call("GET", "/v1/clock")[0] == 200
        own_postgres.start()
        control.ready()
        assert control.stop() == 0


def test_orderly_stop_is_quick(control: Process) -> None:
    control.start()
    begun = time.monotonic()
    assert control.stop() == 0
    assert time.monotonic() - begun < 5


def test_a_topology_that_contradicts_an_open_round_is_refused(
    control: Process, tmp_path: Path, postgres_dsn: str, fresh_valkey: ValkeyServer
) -> None:
    control.start()
    control.ready()
    order = {"sponsors": SPONSORS, "starts_in_ms": 0, "duration_ms": 50}
    assert control.call("POST", "/v1/rounds", order)[0] == 201
    assert control.stop() == 0
    with process_of(tmp_path / "wider", postgres_dsn, fresh_valkey.url, (0, 0)) as wider:
        with wider.log.open("ab") as log:
            process = subprocess.Popen([sys.executable, "-m", "system.control"], env=wider.env, stdout=log, stderr=log)
        try:
            assert process.wait(60) == 2
        finally:
            if process.poll() is None:
                process.kill()
                process.wait(10)
        assert "XIU_TOPOLOGY" in wider.log.read_text()


def test_a_ledger_of_other_migrations_ends_it_with_the_file(control: Process, postgres_dsn: str) -> None:
    """What the ledger took is not what stands in the files: nothing is served, and nothing is tried again."""
    asyncio.run(migrate(postgres_dsn, SECRET))
    with psycopg.connect(postgres_dsn, autocommit=True) as conn:
        conn.execute("UPDATE control.migration SET checksum = 'another' WHERE number = 1")
    with control.log.open("ab") as log:
        process = subprocess.Popen([sys.executable, "-m", "system.control"], env=control.env, stdout=log, stderr=log)
    try:
        assert process.wait(60) == 2
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(10)
    told = control.log.read_text()
    assert "system/ledger/migrations/0001_switch_by_lane.sql:1: changed after the ledger took it" in told
    assert "Traceback" not in told


@pytest.mark.parametrize("module", ["system.control", "system.play"])
def test_bad_settings_are_one_sentence(module: str) -> None:
    env = {key: value for key, value in os.environ.items() if not key.startswith("XIU_")}
    done = subprocess.run(
        [sys.executable, "-m", module], env=env, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert done.stderr.strip().endswith("is not set")
    assert "Traceback" not in done.stderr
