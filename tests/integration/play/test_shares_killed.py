"""Play, or PostgreSQL, killed in the middle of claims and sweeps: the books close, nobody was told what is not so."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.killed_shares import Victim, trial
from tests.support.stores import PostgresServer


@pytest.mark.parametrize(
    ("victims", "seed"),
    [pytest.param(("play", "play"), 1, id="play"), pytest.param(("postgres", "postgres"), 2, id="postgres")],
)
def test_killed_in_the_middle(
    postgres_server: PostgresServer, postgres_dsn: str, tmp_path: Path, victims: tuple[Victim, ...], seed: int
) -> None:
    ends = trial(postgres_server, postgres_dsn, tmp_path, seed, victims)
    # Twenty parts of each of the four; the other two ended with what was claimed until then.
    assert ends["claimed"] >= 80
    assert set(ends) <= {"claimed", "share_exhausted", "share_expired"}
