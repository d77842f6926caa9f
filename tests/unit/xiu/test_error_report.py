"""What a person is told of an error: never a bug of ours where it is none, never huge input, never a password."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.errors import BadInput
from xiu.cli import main
from xiu.error_report import error_report


@pytest.mark.parametrize(
    ("error", "argv", "code", "says"),
    [
        (BadInput("no such plan: " + "9" * 5000), [], 2, "999… (5000 characters)"),
        (PermissionError(13, "Permission denied", "out/x"), ["dash", "build", "--out", "out"], 2, "out/x: Permission"),
        (FileExistsError(17, "File exists", "out"), ["dash", "build", "--out=out"], 2, "out: File exists"),
        (PermissionError(13, "Permission denied", "/elsewhere"), ["up"], 5, "/elsewhere: Permission denied"),
        (OSError(28, "No space left on device", "out/x"), ["--out", "out"], 5, "No space left"),
        (OSError(24, "Too many open files"), [], 5, "Too many open files"),
        (ConnectionResetError(104, "Connection reset by peer"), [], 1, "internal error"),
        (ZeroDivisionError("oh"), [], 1, "internal error: ZeroDivisionError: oh"),
        (ValueError("postgresql://u:secret@h/x"), [], 1, "postgresql://u:…@h/x"),
    ],
)
def test_an_error_is_told_in_a_sentence_with_its_code(error: Any, argv: list[str], code: int, says: str) -> None:
    text, got = error_report(error, argv)
    assert got == code
    assert says in text
    assert len(text) < 300
    assert "secret" not in text


@pytest.mark.parametrize(
    "words",
    [
        ("dash", "build", "--out", "file"),
        ("dash", "build", "--out", "x" * 5000),
        ("down", "--stack", "file"),
        ("status", "--stack", "file/deeper"),
        ("audit", "--stack", "9" * 5000),
        ("plan", "show", "x" * 5000 + ".yaml"),
        ("plan", "show", "loop.yaml"),
        ("run", "show", "file"),
        ("status", "--stack", "loop.yaml"),
        ("--runs", "file", "run", "list"),
        ("x" * 5000,),
        ("token", "1", "--lane", "x" * 5000),
        ("plan", "run", "smoke", "--on", "http://[::1", "--yes"),
        ("plan", "run", "smoke", "--on", "http://h:five", "--yes"),
        ("plan", "show", "a\udcff"),
        ("plan", "show", "a\x00b.yaml"),
    ],
    ids=lambda words: " ".join(words)[:30].encode("ascii", "replace").decode(),
)
def test_odd_arguments_are_no_bug_of_ours(
    words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    (tmp_path / "loop.yaml").symlink_to("loop.yaml")
    code = main(words)
    out, err = capsys.readouterr()
    assert code in (2, 5), err
    assert "internal error" not in err
    assert 0 < len(err) < 1000
    assert out == ""


@pytest.mark.parametrize("words", ["status", "halt", "plan list", "plan new x.yaml --from smoke"])
def test_a_folder_that_is_gone_is_no_bug_of_ours(
    words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    code = main(words.split())
    err = capsys.readouterr().err
    assert code in (0, 2, 5), err
    assert "internal error" not in err
