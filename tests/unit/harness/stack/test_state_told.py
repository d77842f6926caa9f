"""What is told of a stack: true without its supervisor, readable past a torn line, without passwords."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import socket
import sys
import threading
from pathlib import Path

import pytest

from harness.errors import BadInput, EnvironmentNotReady
from harness.stack import PartEvent, Stack, wire
from harness.stack.folder import Folder
from tests.support.children import started
from tests.support.stores import wait_until
from xiu.cli import dispatch, main


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


@pytest.mark.usefixtures("no_look")
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


def test_a_supervisor_that_says_nothing_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Frozen: its port takes the connection, and nothing comes. Gone: its port takes none."""
    monkeypatch.setattr(wire, "CONNECT_TIMEOUT_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as frozen:
        port = frozen.getsockname()[1]
        with pytest.raises(EnvironmentNotReady, match="does not answer"):
            wire.follow(port, "t")
        with pytest.raises(EnvironmentNotReady, match="does not answer"):
            wire.call(port, {"do": "state"}, 0.2)
    with pytest.raises(EnvironmentNotReady, match="does not answer"):
        wire.follow(port, "t")


def test_who_cannot_take_an_event_keeps_no_other_from_hearing(tmp_path: Path) -> None:
    row = {"at": 1.0, "part": "front-0", "kind": "died", "detail": "", "log_tail": []}
    heard: list[str] = []

    def full(event: PartEvent) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with socket.create_server(("127.0.0.1", 0)) as supervisor:
        stack = written(tmp_path, {})
        state = stack.folder.read_state()
        stack.folder.state.write_text(json.dumps({**state, "port": supervisor.getsockname()[1]}))
        with stack.folder.path.joinpath("lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            go = threading.Event()
            threading.Thread(target=_tells, args=(supervisor, [row, row], go), daemon=True).start()
            stack.events(full)
            stack.events(lambda event: heard.append(event.part))
            go.set()
            wait_until(lambda: len(heard) == 2, 10, "both events")
            stack.stop()
    assert heard == ["front-0", "front-0"]


def _tells(supervisor: socket.socket, rows: list[dict[str, object]], go: threading.Event) -> None:
    """Answers who asks for events, and tells them once it may."""
    there, _ = supervisor.accept()
    with there, contextlib.suppress(OSError), there.makefile("rb") as asked:
        asked.readline()  # unread, it makes the close a reset, which takes what was told from who has not read it yet
        there.sendall(b'{"ok": true}\n')
        go.wait(10)
        for row in rows:
            there.sendall(json.dumps(row).encode() + b"\n")
        there.recv(1)
