"""The audit log: lines are added, and whatever else is done to them is seen."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness.guard import audit_log
from harness.guard.audit_log import FILE, problems, read, write


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """The folder of a log with three lines."""
    write(tmp_path, "started", "ann", run="r1", approved_by="bob")
    write(tmp_path, "rate", "ann", run="r1", taps_per_s=500)
    write(tmp_path, "ended", "ann", run="r1", verdict="PASS")
    return tmp_path


def test_who_did_what_and_when(log: Path) -> None:
    lines = list(read(log))
    assert [(line.number, line.who, line.act) for line in lines] == [
        (1, "ann", "started"), (2, "ann", "rate"), (3, "ann", "ended"),
    ]  # fmt: skip
    assert lines[0].about == {"run": "r1", "approved_by": "bob"}
    assert lines[0].at.endswith("+00:00")
    assert problems(log) == []


def test_the_hash_of_a_line_is_what_whoever_wrote_it_was_told(tmp_path: Path) -> None:
    told = [write(tmp_path, "kill", "ann", n=n) for n in range(3)]
    assert [line.sha256 for line in read(tmp_path)] == told


def test_nothing_is_there_yet(tmp_path: Path) -> None:
    assert (list(read(tmp_path)), problems(tmp_path)) == ([], [])


def altered(lines: list[str]) -> list[str]:
    return [lines[0].replace("bob", "eve"), *lines[1:]]


HURT: list[tuple[Callable[[list[str]], list[str]], int, str]] = [
    (altered, 2, "it does not follow the line before"),
    (lambda lines: lines[1:], 1, "it does not follow the line before"),
    (lambda lines: [lines[0], lines[2]], 2, "it does not follow the line before"),
    (lambda lines: [lines[0], lines[2], lines[1]], 2, "it does not follow the line before"),
    (lambda lines: [*lines[:2], "oh\n"], 3, "not a line of this log"),
    (lambda lines: [*lines[:2], lines[2].rstrip("\n")], 3, "a line that ends in the middle"),
]


@pytest.mark.parametrize(
    ("hurt", "line", "says"), HURT, ids=["altered", "first gone", "one gone", "in another order", "rubbish", "torn"]
)
def test_what_was_done_to_a_line_is_seen(
    log: Path, hurt: Callable[[list[str]], list[str]], line: int, says: str
) -> None:
    path = log / FILE
    path.write_text("".join(hurt(path.read_text().splitlines(keepends=True))))
    assert problems(log)[0].startswith(f"{path}:{line}: {says}")


def test_behind_a_torn_line_the_log_goes_on(log: Path) -> None:
    path = log / FILE
    path.write_text(path.read_text()[:-9])
    write(log, "kill", "ann")
    assert [line.act for line in read(log)] == ["started", "rate", "kill"]
    assert [text.split(": ")[1] for text in problems(log)] == [
        "not a line of this log; expected one JSON object an act"
    ]


def test_many_write_at_once(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: write(tmp_path, "rate", "ann", n=n), range(40)))
    assert problems(tmp_path) == []
    assert sorted(line.about["n"] for line in read(tmp_path)) == list(range(40))


def test_a_log_that_another_process_keeps_is_not_waited_for(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_log, "LOCK_S", 0.05)
    with (log / FILE).open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(BlockingIOError):
            write(log, "kill", "ann")
    assert len(list(read(log))) == 3


def test_a_line_without_end_is_none(log: Path) -> None:
    with pytest.raises(OSError, match="a line of"):
        write(log, "kill", "ann", text="x" * audit_log.LONGEST)
    assert len(list(read(log))) == 3


def test_a_name_in_any_alphabet(tmp_path: Path) -> None:
    write(tmp_path, "started", "小明", approved_by="王芳")
    assert json.loads((tmp_path / FILE).read_text(encoding="utf-8"))["approved_by"] == "王芳"
    assert problems(tmp_path) == []
