"""Play, PostgreSQL and control killed in the middle of a season: the books close, nobody was told what is not so.

More of it by hand: `python -m tests.support.killed_season`.
"""

from __future__ import annotations

from pathlib import Path

from tests.support.killed_season import trial
from tests.support.stores import PostgresServer, ValkeyServer


def test_killed_in_the_middle(own_postgres: PostgresServer, fresh_valkey: ValkeyServer, tmp_path: Path) -> None:
    dsn = own_postgres.create_database("season")
    figures = trial(own_postgres, dsn, fresh_valkey, tmp_path / "stack", 4, ("control", "play", "postgres"))
    ends = {code for op, code in figures.ends if op == "claim"}
    assert ends <= {"done", "own_share", "share_exhausted", "share_expired"}
    assert {op for op, code in figures.ends if code == "done"} >= {
        "share", "claim", "redeem", "gift", "combine", "spend", "present", "buy", "reverse",
    }  # fmt: skip
    assert figures.repeated, "somebody had to ask again"
    assert len(figures.kills) == 4
