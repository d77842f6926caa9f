"""A bounded command: its end in words, and what becomes of what it started."""

from __future__ import annotations

import asyncio
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from chaos.commands import CommandEnd, run, run_here
from tests.support.stores import wait_until

SH = ("sh", "-c")


def lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize(
    ("command", "end", "wrong"),
    [
        pytest.param(("true",), CommandEnd(0), "", id="no output"),
        pytest.param((*SH, "echo a; echo b >&2"), CommandEnd(0, output="a b"), "", id="both outputs in one line"),
        pytest.param((*SH, "echo no; exit 3"), CommandEnd(3, output="no"), "exit code 3, not 0: no", id="a code"),
        pytest.param((*SH, "kill -9 $$"), CommandEnd(-9), "ended by signal 9, not 0", id="a signal"),
        pytest.param((*SH, "cat; exit 1"), CommandEnd(1), "exit code 1, not 0", id="no input"),
    ],
)
def test_its_end_is_said(command: tuple[str, ...], end: CommandEnd, wrong: str) -> None:
    assert (run_here(command, os.environ, 20.0), end.wrong) == (end, wrong)


def test_a_thread_may_ask_too() -> None:
    with ThreadPoolExecutor(1) as threads:
        assert threads.submit(run_here, ("true",), os.environ, 20.0).result(30) == CommandEnd(0)


def test_one_that_cannot_be_run_has_no_code(tmp_path: Path) -> None:
    end = asyncio.run(run(("./none",), os.environ, 1.0, tmp_path, tidy=False))
    assert (end.code, end.wrong) == (None, "cannot be run: No such file or directory")


def test_one_that_hangs_is_killed_with_what_it_started(tmp_path: Path) -> None:
    hangs = (*SH, "sleep 600 & echo $! > pid; wait")
    end = asyncio.run(run(hangs, os.environ, 1.0, tmp_path, tidy=False))
    assert (end.code, end.wrong) == (None, "not over within 1 s: killed")
    pid = tmp_path / "pid"
    if pid.exists() and (said := pid.read_text()).endswith("\n"):  # on a busy machine it may not have come so far
        wait_until(lambda: not lives(int(said)), 20, "its child's end")


@pytest.mark.parametrize("tidy", [True, False])
def test_what_it_leaves_behind_is_ended_where_that_is_asked_for(tmp_path: Path, tidy: bool) -> None:
    leaves = (*SH, "sleep 600 >/dev/null 2>&1 & echo $! > pid")
    end = asyncio.run(run(leaves, os.environ, 20.0, tmp_path, tidy=tidy))
    assert end == CommandEnd(0)
    pid = int((tmp_path / "pid").read_text())
    if tidy:
        wait_until(lambda: not lives(pid), 20, "its end")
    else:
        assert lives(pid)
        os.kill(pid, signal.SIGKILL)
