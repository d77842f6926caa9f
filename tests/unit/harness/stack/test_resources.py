"""What a part uses is what its whole family uses, and looking costs little."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import psutil
import pytest

from harness.stack import resources
from tests.support.stores import wait_until

DEADLINE_S = 30.0
CHILD = "import signal, sys; open('/proc/self/comm', 'w').write('a) R 1 (b'); print(flush=True); signal.pause()"
PARENT = f"import subprocess, sys; subprocess.run([sys.executable, '-S', '-c', {CHILD!r}])"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a name like that, by Linux's /proc")
def test_a_child_of_any_name_belongs_to_its_parent() -> None:
    parent = subprocess.Popen([sys.executable, "-S", "-c", PARENT], stdout=subprocess.PIPE, start_new_session=True)
    assert parent.stdout is not None
    try:
        parent.stdout.readline()
        (child,) = resources.children_of()[parent.pid]
        assert psutil.Process(child).name() == "a) R 1 (b"
        assert parent.pid in resources.children_of()[os.getpid()]
        alone = resources.measure(parent.pid, {})[1]
        assert resources.measure(parent.pid)[1] > alone
    finally:
        os.killpg(parent.pid, signal.SIGKILL)
        parent.stdout.close()
        parent.wait(DEADLINE_S)


def test_a_look_at_many_parts_reads_the_machine_once(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[None] = []
    read = psutil.process_iter

    def counted() -> object:
        looks.append(None)
        return read()

    monkeypatch.setattr(psutil, "process_iter", counted)
    sampler = resources.ResourceSampler()
    sampler.sample({"one": os.getpid(), "two": os.getppid(), "gone": 1 << 30})
    assert len(looks) == 1
    assert sampler.usage["one"].rss_mib_max > 1
    assert sampler.usage["gone"].rss_mib_max == 0


def test_who_ended_a_moment_ago_used_nothing_more() -> None:
    child = subprocess.Popen([sys.executable, "-S", "-c", ""])
    child.wait(DEADLINE_S)
    wait_until(lambda: not psutil.pid_exists(child.pid), DEADLINE_S, "gone")
    assert resources.measure(child.pid) == (0.0, 0.0)
