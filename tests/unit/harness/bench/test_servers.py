"""Servers of benches: the class in which they are scheduled is asked for, and told as it is."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from harness.bench import servers


@pytest.mark.skipif(not hasattr(os, "sched_setscheduler"), reason="this system has no scheduling classes")
def test_a_server_is_told_to_be_in_the_class_it_is_in() -> None:
    waits = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        told = servers.realtime(waits.pid)
        assert {"fifo": os.SCHED_FIFO, "other": os.SCHED_OTHER}[told] == os.sched_getscheduler(waits.pid)
    finally:
        waits.kill()
        waits.communicate()


def test_a_server_that_is_gone_is_ordinary() -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    assert servers.realtime(gone.pid) == "other"
