"""Ctrl-C before a command has begun: one sentence and exit code 3, whatever is being imported."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.errors import Aborted
from tests.support.command import Xiu
from xiu.interrupted import ABORTED

DEADLINE_S = 60


@pytest.mark.skipif(sys.platform != "linux", reason="which libraries a process has loaded is read from /proc")
@pytest.mark.parametrize("loaded", ["_typing", "_pydantic_core", "_decimal", "_zoneinfo", "_random", "_yaml", "_ssl"])
def test_ctrl_c_while_something_is_imported(tmp_path: Path, loaded: str) -> None:
    command = subprocess.Popen(
        [sys.executable, "-m", "xiu.cli", "plan", "list"], cwd=tmp_path, env=Xiu(tmp_path).env(),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    maps = Path(f"/proc/{command.pid}/maps")
    until = time.monotonic() + DEADLINE_S
    while f"/{loaded}." not in maps.read_text() and time.monotonic() < until:
        pass  # a millisecond later something else is imported
    command.send_signal(signal.SIGINT)
    out, err = command.communicate(timeout=DEADLINE_S)
    assert (command.returncode, out, err) == (ABORTED, "", "xiu: interrupted\n")


def test_the_exit_code_is_that_of_a_run_that_was_aborted() -> None:
    """Said twice, because nothing is imported there."""
    assert Aborted.exit_code == ABORTED
