"""The kill switch on real processes: the file is written, the signal arrives, the dead are forgotten."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from harness.control_client import ControlClient
from harness.guard.kill import generators, kill_all, registered
from tests.children import started


def test_a_registered_generator_is_stopped_by_file_and_signal(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        with registered(tmp_path / "register", process.pid, "run", tmp_path / "kill"):
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
        with registered(tmp_path, process.pid, "run", tmp_path / "kill"):
            path = next(tmp_path.glob("*.json"))
            path.write_text(path.read_text().replace('"created": ', '"created": 1'))
            assert kill_all(tmp_path, [], "test")[1].done == 0
            assert process.poll() is None
        assert process.stdin is not None
        process.stdin.close()


def test_a_control_that_is_away_is_said(tmp_path: Path) -> None:
    away = ControlClient("http://127.0.0.1:9", "http://127.0.0.1:9", "token")
    switch = kill_all(tmp_path, [away], "test")[2]
    away.close()
    assert (switch.done, switch.failed) == (0, 1)
