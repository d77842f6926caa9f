"""What is set in the shell one stands in does not reach the own stores."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from harness.children import for_children
from tests.stores import PostgresServer

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
