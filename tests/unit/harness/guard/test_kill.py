"""The kill switch on real processes: the file is written, the signal arrives, the dead are forgotten."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from harness.control_client import ControlClient
from harness.guard import kill
from harness.guard.kill import Running, generators, kill_all, registered
from harness.watch.prom import read_metrics
from tests.support.children import started


def test_a_registered_generator_is_stopped_by_file_and_signal(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        with registered([tmp_path / "register"], process.pid, "run", tmp_path / "kill"):
            ways = kill_all(tmp_path / "register", [], "test")
            assert process.wait(10) == -15
            assert (tmp_path / "kill").exists()
            assert [way.done for way in ways] == [1, 1, 0]
            assert generators(tmp_path / "register") == []
    finally:
        process.kill()
        process.wait(20)
        assert process.stdin is not None
        process.stdin.close()


def test_a_reused_pid_is_not_hit(tmp_path: Path) -> None:
    with started([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        with registered([tmp_path], process.pid, "run", tmp_path / "kill"):
            path = next(tmp_path.glob("*.json"))
            path.write_text(path.read_text().replace('"created": ', '"created": 1'))
            assert kill_all(tmp_path, [], "test")[1].done == 0
            assert process.poll() is None
        assert process.stdin is not None
        process.stdin.close()


def test_a_control_that_is_away_is_said(tmp_path: Path) -> None:
    away = ControlClient("http://127.0.0.1:9", "http://127.0.0.1:9", "token")
    switch = kill_all(tmp_path, [Running("s1", away, {"front-0": "http://127.0.0.1:9"})], "test")[2]
    away.close()
    assert (switch.done, switch.failed) == (0, 1)
    assert [line.split(":")[1].strip() for line in switch.undone] == [
        "control was not told that stress.accept is 0", "front-0 does not tell",
    ]  # fmt: skip


class ReplyHandler(BaseHTTPRequestHandler):
    """A control that takes every order, and a front that shows what it shows."""

    control: object = 1
    front: object = 1

    def _answer(self, text: str) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def do_PUT(self) -> None:
        self._answer("{}")

    def do_GET(self) -> None:
        metrics = f'hongbao_switch{{key="draw.award"}} 1\nhongbao_switch{{key="stress.accept"}} {self.front}\n'
        switches = json.dumps({"switches": {"stress.accept": self.control}})
        self._answer(metrics if self.path == "/metrics" else switches)

    def log_message(self, *_: object) -> None:
        return


@pytest.mark.parametrize(
    ("control", "front", "undone"),
    [
        pytest.param(0, 0, (), id="both refuse"),
        pytest.param(0, 1, ("s1: front-0 shows 1: it may take stress traffic",), id="a front has not heard"),
        pytest.param(1, 0, ("s1: control shows stress.accept 1",), id="control said yes and did not"),
        pytest.param(
            0, "NaN", ("s1: front-0 does not tell: it may take stress traffic",), id="a front says what is no number"
        ),
        pytest.param(None, 0, ("s1: control does not show stress.accept",), id="control says what is no number"),
    ],
)
def test_a_switch_is_set_when_control_and_every_front_show_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, control: object, front: object, undone: tuple[str, ...]
) -> None:
    monkeypatch.setattr(kill, "SHOWN_S", 0.3 if undone else 30.0)
    monkeypatch.setattr(kill, "read_metrics", lambda url, _: read_metrics(url, 20.0))
    monkeypatch.setattr(ReplyHandler, "control", control)
    monkeypatch.setattr(ReplyHandler, "front", front)
    with ThreadingHTTPServer(("127.0.0.1", 0), ReplyHandler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        with ControlClient(url, url, "token") as client:
            switch = kill_all(tmp_path, [Running("s1", client, {"front-0": url})], "test")[2]
        server.shutdown()
    assert (tuple(line.split(": GET")[0] for line in switch.undone), switch.done) == (undone, 0 if undone else 1)


def test_one_generator_that_cannot_be_stopped_keeps_no_other_going(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def not_ours(pid: int, number: int) -> None:
        if pid == os.getpid():
            raise PermissionError(1, "Operation not permitted")
        send(pid, number)

    send = os.kill
    monkeypatch.setattr(kill.os, "kill", not_ours)
    with started([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        register = tmp_path / "register"
        with (
            registered([register], os.getpid(), "a", tmp_path / "none" / "kill"),
            registered([register], process.pid, "b", tmp_path / "kill"),
        ):
            ways = kill_all(register, [], "test")
            assert process.wait(10) == -15
    assert [(way.done, way.failed) for way in ways[:2]] == [(1, 1), (1, 1)]
    assert "Operation not permitted" in ways[1].undone[0]


def test_a_generator_is_reached_by_whichever_of_its_registers_is_looked_at(tmp_path: Path) -> None:
    """A run may be kept anywhere; the stack that it fires at is what a button finds."""
    runs, stack = tmp_path / "runs", tmp_path / "stack" / kill.REGISTER
    runs.write_text("no folder")
    argv = [sys.executable, "-c", "import sys; sys.stdin.read()"]
    with started(argv, stdin=subprocess.PIPE) as process:
        with registered([runs / kill.REGISTER, stack], process.pid, "run", tmp_path / "kill"):
            file, signal = kill.stop_generators([tmp_path / "elsewhere", stack, stack])
            assert (file.done, signal.done, file.undone) == (1, 1, ())
            assert process.wait(10) != 0
        assert [path.name for path in stack.iterdir()] == [kill.MARK]
        with pytest.raises(OSError, match="Not a directory"), registered([runs / "x"], os.getpid(), "run", tmp_path):
            raise AssertionError("what is in no register may not fire")


def test_a_button_pressed_before_the_generator_stands_stops_it_and_no_later_run(tmp_path: Path) -> None:
    runs, elsewhere = tmp_path / kill.REGISTER, tmp_path / "stack" / kill.REGISTER
    begun_s = time.time() - 1
    file, _ = kill.stop_generators([runs, elsewhere])
    assert (file.done, file.failed, file.undone) == (0, 0, ())
    for since_s, stopped in ((begun_s, True), (time.time() + 1, False)):
        kill_file = tmp_path / f"kill-{stopped}"
        with registered([elsewhere, runs], os.getpid(), "run", kill_file, since_s=since_s):
            assert kill_file.exists() is stopped


def test_a_mark_that_cannot_be_set_is_said(tmp_path: Path) -> None:
    register = tmp_path / kill.REGISTER
    register.write_text("no folder")
    file, _ = kill.stop_generators([register])
    assert [line.split("(")[1] for line in file.undone] == [
        "File exists): a run that has not fired yet may do so"
    ]  # fmt: skip
