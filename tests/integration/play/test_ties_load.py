"""The load of a relation chain on a real ledger: every pair once, the indexes as they were, nothing where it fails."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import psycopg
import pytest

from system.play.ties.loading import main


def loaded(dsn: str, folder: Path, pairs: list[list[int]]) -> int:
    file = folder / "pairs.npy"
    np.save(file, np.array(pairs))
    return main(["--postgres", dsn, "--lane", "live", "--pairs", str(file)])


def test_a_load_makes_each_tie_once_and_leaves_the_indexes_as_they_were(
    ledger_dsn: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shape = "SELECT indexdef FROM pg_indexes WHERE (schemaname, tablename) = ('live', 'tie') ORDER BY 1"
    with psycopg.connect(ledger_dsn, autocommit=True) as conn:
        before = conn.execute(shape).fetchall()
        assert loaded(ledger_dsn, tmp_path, [[5, 5]]) == 1
        assert "no tie with himself" in capsys.readouterr().err
        assert loaded(ledger_dsn, tmp_path, [[9, 2], [2, 9], [1, 2], [1, 2]]) == 0
        assert capsys.readouterr().out == "2 ties made\n"
        found = conn.execute(
            "SELECT lo, hi, made_by, through, book, mutual, counts FROM live.tie ORDER BY lo"
        ).fetchall()
        assert found == [(1, 2, 1, 0, 1, 0, None), (2, 9, 2, 0, 3, 0, None)]
        assert conn.execute("SELECT through, ties FROM live.tie_growth").fetchall() == [(0, 2)]
        assert loaded(ledger_dsn, tmp_path, [[3, 4]]) == 1
        assert "the live lane has ties; expected none" in capsys.readouterr().err
        assert conn.execute(shape).fetchall() == before
        assert conn.execute("SELECT count(*) FROM live.tie").fetchall() == [(2,)]


@pytest.mark.parametrize("content", [b"", b"not numpy's"])
def test_a_file_that_is_none(tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes) -> None:
    file = tmp_path / "pairs.npy"
    file.write_bytes(content)
    assert main(["--postgres", "postgresql://127.0.0.1:9/x", "--lane", "live", "--pairs", str(file)]) == 2
    np.save(file, np.array([1.5, 2.5]))
    assert main(["--postgres", "postgresql://127.0.0.1:9/x", "--lane", "live", "--pairs", str(file)]) == 2
    assert capsys.readouterr().err.count("pairs.npy:1: ") == 2
