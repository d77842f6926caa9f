"""A generator that other work keeps from the cores: what it fired is no measurement."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.support.command import Xiu, plan_with

pytestmark = pytest.mark.serial


@contextmanager
def busy(core: int, loops: int) -> Iterator[None]:
    """Loops that never rest, pinned on one core."""
    code = f"import os\nos.sched_setaffinity(0, {{{core}}})\nwhile True: pass"
    # Each in a session of its own: the kernel shares a core among sessions first.
    argv = [sys.executable, "-c", code]
    processes = [subprocess.Popen(argv, start_new_session=True) for _ in range(loops)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait(60)


@pytest.mark.skipif(
    not hasattr(os, "sched_setaffinity") or (os.cpu_count() or 1) < 2, reason="needs pinning, two cores"
)
def test_a_starved_generator_makes_the_run_invalid(xiu: Xiu) -> None:
    # 20,000 taps a second need more of the core than the fifth that four busy loops leave.
    plan = plan_with(
        xiu.folder,
        ("response_p99: 2s", "response_p99: 60ms"),
        ("mid: 50ms, high: 2s", "mid: 5ms, high: 60ms"),
        ("{low: 225, mid: 250, high: 275,", "{low: 5_400, mid: 6_000, high: 6_600,"),
        ("{low: 1.8/s, mid: 2/s, high: 2.2/s,", "{low: 6.5/s, mid: 6.8/s, high: 7/s,"),
    )
    with busy(core=1, loops=4):
        done = xiu("plan", "run", plan, "--scale", "1", "--json")
    assert done.returncode == 10, done.stdout[-2000:] + done.stderr
    record = json.loads(done.stdout)
    assert record["verdict"] == "INVALID"
    assert record["generator"]["valid"] is False
    assert xiu("forecast", "judge", "last").returncode == 10, "what was no measurement is no measure of the forecast"
