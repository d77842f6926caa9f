"""Files that a plan names, or is: a pipe to which nobody writes is waited for a moment, and told in one sentence."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from plans.models import reading
from plans.models.errors import PlanError
from plans.models.service import load_service

MOST = 1 << 20
SILENT = "a pipe into which nobody has written for 0.05 s"
PLAN = """\
kind: stress
id: mine
title: Mine
target: {url: "https://127.0.0.1:1", login: {path: /, data: users.csv, token: a},
  requests: [{request: one, data: rows.jsonl}], tls: {ca: ca.pem}}
rate: 7/s
steps: [{kind: replay, recording: rate.csv, peak: 100%}]
objectives: {response_p99: 1s}
"""


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "WAIT_S", 0.05)


def test_a_pipe_is_read_to_its_end(tmp_path: Path) -> None:
    """As `<(…)` gives one, in pieces."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    whole = b"kind: stress\n" * 20_000
    writer = threading.Thread(target=pipe.write_bytes, args=(whole,))
    writer.start()
    assert reading.bytes_of(pipe, MOST) == whole
    writer.join(10)


def test_no_more_is_read_than_one_byte_too_many(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(bytes(100))
    assert len(reading.bytes_of(tmp_path / "large", 10)) == 11


@pytest.mark.parametrize(
    ("make", "says"),
    [
        pytest.param(os.mkfifo, SILENT, id="a pipe to which nobody writes"),
        pytest.param(lambda path: path.symlink_to("/dev/zero"), "a device, not a file", id="a device without an end"),
        pytest.param(lambda path: path.symlink_to("/dev/tty"), "device", id="a terminal, or none"),
        pytest.param(Path.mkdir, "Is a directory", id="a folder"),
    ],
)
def test_what_is_no_file_is_told(tmp_path: Path, make: Callable[[Path], None], says: str) -> None:
    make(tmp_path / "odd")
    with pytest.raises(OSError, match=says):
        reading.bytes_of(tmp_path / "odd", MOST)


def test_every_file_of_a_plan_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(PLAN)
    for name in ("users.csv", "rows.jsonl", "ca.pem", "rate.csv"):
        os.mkfifo(tmp_path / name)
    with pytest.raises(PlanError) as told:
        load_service(tmp_path / "mine.yaml")
    says = str(told.value)
    for name in ("users.csv", "rows.jsonl", "rate.csv"):
        assert f"{tmp_path}/{name} cannot be read: {SILENT}" in says, says
    assert "did you mean" not in says
    assert f"{tmp_path}/ca.pem: no plain file; expected a file of certificates" in says
    assert [one.line for one in told.value.problems] == [4, 5, 5, 7]


def test_a_plan_that_is_a_pipe_is_told(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "mine.yaml")
    with pytest.raises(PlanError, match=f"mine.yaml: cannot be read: {SILENT}"):
        load_service(tmp_path / "mine.yaml")
