"""Play, PostgreSQL and control killed in the middle of a season: the books close, nobody was told what is not so.

More of it by hand: `python -m tests.support.killed_season`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.killed_season import trial
from tests.support.stores import PostgresServer, ValkeyServer


@pytest.fixture
def server(tmp_path: Path) -> Iterator[PostgresServer]:
    """One of its own, nearly empty: after a crash every file of every database is synced first."""
    server = PostgresServer(tmp_path / "postgres")
    try:
        server.init()
        server.start()
        yield server
    finally:
        server.discard()


def test_killed_in_the_middle(server: PostgresServer, fresh_valkey: ValkeyServer, tmp_path: Path) -> None:
    dsn = server.create_database("season")
    figures = trial(server, dsn, fresh_valkey, tmp_path / "stack", 4, ("control", "play", "postgres"))
    ends = {code for op, code in figures.ends if op == "claim"}
    assert ends <= {"done", "own_share", "share_exhausted", "share_expired"}
    assert {op for op, code in figures.ends if code == "done"} >= {
        "share", "claim", "redeem", "gift", "combine", "spend", "buy", "reverse",
    }  # fmt: skip
    assert figures.repeated, "somebody had to ask again"
    assert len(figures.kills) == 4
