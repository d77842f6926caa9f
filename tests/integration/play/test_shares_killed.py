"""Play, or PostgreSQL, killed in the middle of claims and sweeps: the books close, nobody was told what is not so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.killed_shares import Victim, trial
from tests.support.stores import PostgresServer


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """One of its own, nearly empty: after a crash every file of every database is synced first."""
    server = PostgresServer(tmp_path_factory.mktemp("killed"))
    try:
        server.init()
        server.start()
        yield server
    finally:
        server.discard()


@pytest.mark.parametrize(
    ("victims", "seed"),
    [pytest.param(("play", "play"), 1, id="play"), pytest.param(("postgres", "postgres"), 2, id="postgres")],
)
def test_killed_in_the_middle(server: PostgresServer, tmp_path: Path, victims: tuple[Victim, ...], seed: int) -> None:
    ends = trial(server, server.create_database(f"t_{seed}"), tmp_path, seed, victims)
    # Twenty parts of each of the four; the other two ended with what was claimed until then.
    assert ends["claimed"] >= 80
    assert set(ends) <= {"claimed", "share_exhausted", "share_expired"}
