"""A child is started as it was asked for: what the kernel says of it."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from harness import slices
from harness.stack import spawn
from harness.stack.spawn import Policy
from tests.support.stores import wait_until

DEADLINE_S = 30.0
TWO_THREADS = "import signal, threading; threading.Thread(target=signal.pause, daemon=True).start(); signal.pause()"


@contextmanager
def started(folder: Path, policy: Policy, slice_us: int | None) -> Iterator[int]:
    argv = (sys.executable, "-S", "-c", TWO_THREADS)
    child = spawn.start(argv, env={}, log=folder / "log", cwd=folder, policy=policy, slice_us=slice_us)
    try:
        yield child.pid
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait(DEADLINE_S)


@pytest.mark.skipif(slices.shortest() is None, reason="this kernel has one time slice for all (Linux 6.12)")
@pytest.mark.parametrize("policy", ["other", "batch"])
def test_every_thread_of_a_child_has_the_slice_that_was_asked_for(tmp_path: Path, policy: Policy) -> None:
    with started(tmp_path, policy, slices.SHORTEST_US) as pid:
        threads = Path(f"/proc/{pid}/task")
        wait_until(lambda: len(list(threads.iterdir())) == 2, DEADLINE_S, "two threads")
        found = {slices.granted(int(thread.name)) for thread in threads.iterdir()}
        assert found == {slices.SHORTEST_US}
        assert os.sched_getscheduler(pid) == getattr(os, f"SCHED_{policy.upper()}")


def test_a_child_that_nobody_asked_for_has_the_slice_of_the_one_who_started_it(tmp_path: Path) -> None:
    with started(tmp_path, "batch", None) as pid:
        assert slices.granted(pid) == slices.granted()
