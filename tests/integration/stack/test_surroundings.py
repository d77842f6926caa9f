"""What is set in the shell one stands in does not reach the own stores."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import psycopg
import pytest

from harness.children import for_children
from harness.stack import Stack, ordinary
from tests.support.stack_parts import everybody, wait_gone
from tests.support.stores import PostgresServer

Make = Callable[..., Stack]

VARIABLES = {
    "PGSSLMODE": "require",
    "PGSERVICE": "nowhere",
    "PGCHANNELBINDING": "require",
    "PGCLIENTENCODING": "KLINGON",
    "PGOPTIONS": "-c no.such=1 -c nosuch=1",
}
ASK = "import sys, psycopg; print(psycopg.connect(sys.argv[1]).execute('SELECT 6 * 7').fetchone()[0])"
SETTLED = f"from harness.children import settle; settle(); {ASK}"


@pytest.mark.parametrize("name", VARIABLES)
def test_a_pg_variable_does_not_reach_the_own_database(
    name: str, postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, VARIABLES[name])
    plain = {**for_children(), name: VARIABLES[name]}
    ways = {"the variable alone": (ASK, plain), "a child": (ASK, for_children()), "this process": (SETTLED, plain)}
    came = {way: _ask(code, env, postgres_server.dsn()) for way, (code, env) in ways.items()}
    assert came == {"the variable alone": "", "a child": "42", "this process": "42"}
    assert os.environ[name] == VARIABLES[name]


def _ask(code: str, env: dict[str, str], dsn: str) -> str:
    argv = [sys.executable, "-c", code, dsn]
    done = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=60)
    return done.stdout.strip()


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("setpriv") is None, reason="not root, or no setpriv")
def test_root_without_user_namespaces_runs_its_stores_and_leaves_nothing(
    make: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("setpriv", "true"):
        (tmp_path / name).symlink_to(shutil.which(name) or "")
    monkeypatch.setenv("PATH", str(tmp_path))
    ordinary.prefix.cache_clear()
    try:
        with make(parts="stores") as stack:
            with psycopg.connect(stack.addresses.postgres_url) as connection:
                assert connection.execute("SELECT 6 * 7").fetchone() == (42,)
            assert psutil.Process(stack.pid("postgres")).uids().real not in (0, 1000)
            processes = everybody(stack)
            os.kill(stack.folder.read_state()["supervisor_pid"], signal.SIGKILL)
            wait_gone(processes)
    finally:
        ordinary.prefix.cache_clear()
