"""What is told of a stack: true without its supervisor, readable past a torn line, without passwords."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from harness.cli import dispatch, main
from harness.errors import BadInput, EnvironmentNotReady
from harness.stack import Stack
from harness.stack.folder import Folder
from tests.children import started


def written(folder: Path, pids: dict[str, int]) -> Stack:
    made = Folder(folder)
    made.make()
    parts = {"credit-live": "ready", "front-0": "ready", "play": "gave_up"}
    state = {"status": "ready", "pids": pids, "parts": parts, "port": 9, "token": "t", "externals": {}}
    made.state.write_text(json.dumps(state))
    return Stack(folder)


def test_a_part_without_its_process_is_not_called_ready(tmp_path: Path) -> None:
    with started([sys.executable, "-c", "pass"]) as gone:
        gone.wait(20)
    state = written(tmp_path, {"credit-live": gone.pid, "front-0": os.getpid()}).state()
    assert state["parts"] == {"credit-live": "dead", "front-0": "ready", "play": "gave_up"}
    assert state["pids"] == {"front-0": os.getpid()}


def test_an_event_that_a_full_disk_tore_hides_no_other(tmp_path: Path) -> None:
    stack = written(tmp_path, {})
    row = {"at": 1.0, "part": "front-0", "kind": "died", "detail": "killed by signal 9", "log_tail": []}
    whole = json.dumps(row)
    stack.folder.events.write_text(f'{whole[:20]}\n{whole}\n[]\n{{"at": 2}}\n{whole[:30]}')
    assert [event.detail for event in stack.deaths()["front-0"]] == ["killed by signal 9"]


def test_a_restart_without_a_stack_is_not_ready(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentNotReady, match="no stack runs"):
        dispatch(["restart", "front-0", "--var", str(tmp_path)])


@pytest.mark.parametrize(
    ("part", "says"),
    [
        ("fron-0", "did you mean front-0"),
        ("nothing-like-it", "expected one of credit-live, front-0, play"),
        ("valkey", "belongs to its owner|its owner restarts it"),
    ],
)
def test_a_part_that_is_none_or_somebody_s_is_not_restarted(
    tmp_path: Path, part: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = written(tmp_path / "var" / "s1", {})
    state = stack.folder.read_state() | {"externals": {"valkey": "valkey://:secret@127.0.0.1:1/0"}}
    stack.folder.state.write_text(json.dumps(state))
    descriptor = stack.folder.lock()
    assert descriptor is not None
    try:
        with pytest.raises(BadInput, match=says) as told:
            dispatch(["restart", part, "--var", str(tmp_path / "var")])
        assert "secret" not in str(told.value)
    finally:
        os.close(descriptor)


def test_no_error_shows_the_password_of_an_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XIU_POSTGRES_URL", "mysql://u:se#cret@127.0.0.1:5432/x")
    assert main(["up", "--no-prometheus", "--var", str(tmp_path / "var")]) == 2
    assert "cret" not in capsys.readouterr().err
    assert main(["up", "--no-prometheus", "--var", "/dev/null/none"]) == 5
    assert "internal error" not in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config").write_text("in the way")
    monkeypatch.setattr("harness.stack.stack.make_plan", lambda *_, **__: None)
    with pytest.raises(EnvironmentNotReady, match="cannot be written"):
        Stack(tmp_path).start()
