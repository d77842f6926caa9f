"""`xiu plan log`: the audit log, read and looked through."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.guard.audit_log import FILE, write
from xiu.cli import main


def test_who_did_what(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sha = write(tmp_path, "started", "ann", run="r1", plan="lunch", approved_by=None, peak_rps=500, seed=1)
    write(tmp_path, "refused", "ann", run="r2", items=["18. disk", "22. approval"])
    assert main(["plan", "log", "--runs", str(tmp_path)]) == 0
    head, first, second = capsys.readouterr().out.splitlines()
    assert head.split() == ["at", "who", "act", "about"]
    assert first.endswith("ann  started  run=r1 plan=lunch peak_rps=500")
    assert second.endswith("ann  refused  run=r2 items=18. disk, 22. approval")
    assert main(["plan", "log", "--runs", str(tmp_path), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["problems"], told["lines"][0]["sha256"], told["lines"][0]["about"]["seed"]) == ([], sha, 1)


def test_a_line_that_was_altered(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, "started", "ann", run="r1")
    write(tmp_path, "ended", "ann", run="r1")
    path = tmp_path / FILE
    path.write_text(path.read_text().replace("ann", "bob", 1))
    assert main(["plan", "log", "--runs", str(tmp_path)]) == 99
    assert capsys.readouterr().err.startswith(f"{path}:2: it does not follow the line before")


def test_an_end_that_was_cut_off(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in (1, 2):
        run = tmp_path / f"r{number}"
        run.mkdir()
        sha = write(tmp_path, "started", "ann", run=run.name)
        (run / "run.json").write_text(json.dumps({"guard": {"audit_sha256": sha}}))
    (tmp_path / "older").mkdir()
    (tmp_path / "older" / "run.json").write_text("{}")
    assert main(["plan", "log", "--runs", str(tmp_path)]) == 0
    path = tmp_path / FILE
    path.write_text(path.read_text().splitlines(keepends=True)[0])
    assert main(["plan", "log", "--runs", str(tmp_path)]) == 99
    says = f"{tmp_path / 'r2' / 'run.json'}: the line with which this run began is gone; expected {sha[:16]}…\n"
    assert capsys.readouterr().err == says


def test_nothing_was_done_yet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "log", "--runs", str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"nothing stands in {tmp_path / FILE}\n"


def test_a_log_that_cannot_be_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / FILE).mkdir()
    assert main(["plan", "log", "--runs", str(tmp_path)]) == 5
    assert "cannot be read: Is a directory" in capsys.readouterr().err


@pytest.mark.parametrize("word", ["kill", "halt"])
def test_a_stop_button_is_told_of_where_runs_are_kept(
    word: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = tmp_path / "runs"
    argv = [word, "--var", str(tmp_path / "var"), "--runs", str(runs)]
    main(argv)
    assert not runs.exists() or not (runs / FILE).exists(), "it makes no folder of its own"
    runs.mkdir(exist_ok=True)
    main(argv)
    capsys.readouterr()
    (line,) = [json.loads(text) for text in (runs / FILE).read_text().splitlines()]
    assert (line["act"], line["by"]) == ("kill", f"xiu {word}")
    assert set(line["ways"]) == {"kill file", "signal", "switch stress.accept"}
