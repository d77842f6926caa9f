"""A thread that does not end, a lock that a frozen process holds: each wait ends, with a sentence."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from harness import waits
from harness.children import for_children
from harness.runs.durable import append_line
from tests.support.stores import wait_until


def test_a_thread_that_does_not_end_is_left_behind_and_named(caplog: pytest.LogCaptureFixture) -> None:
    over = threading.Event()
    thread = threading.Thread(target=over.wait, args=(30,), name="sampler")
    assert waits.joined(thread, 0.01), "never started"
    thread.start()
    assert not waits.joined(thread, 0.05)
    assert "sampler did not end within 0.05 s" in caplog.text
    over.set()
    assert waits.joined(thread)


def test_a_frozen_child_is_killed_and_reaped() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, env=for_children())
    assert child.stdin is not None
    waits.killed(child)
    child.stdin.close()
    assert child.returncode == -9


def test_a_line_waits_for_a_lock_that_is_given_back_and_not_for_one_that_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "faults.jsonl"
    append_line(path, b"one")
    other = os.open(path, os.O_RDONLY)
    fcntl.flock(other, fcntl.LOCK_EX)
    monkeypatch.setattr(waits.lock, "__defaults__", (0.1,))
    with pytest.raises(TimeoutError, match=r"held its lock for 0\.1 s"):
        append_line(path, b"two")
    assert path.read_bytes() == b"one\n"
    monkeypatch.setattr(waits.lock, "__defaults__", (20.0,))
    writer = threading.Thread(target=append_line, args=(path, b"three"))
    writer.start()
    fcntl.flock(other, fcntl.LOCK_UN)
    wait_until(lambda: path.read_bytes() == b"one\nthree\n", 10, "the line")
    writer.join(10)
    os.close(other)
