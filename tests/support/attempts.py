"""Another attempt where a generator was late: once this machine's cores are free again, and not for ever.

A run on a machine that is taken away from it for moments is INVALID, and rightly so. To fire again at once meets the
same busy spell.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

ATTEMPTS = 4
WAIT_S = 90.0
"""The longest wait before one attempt."""
LOOK_S = 2.0
GAP_MS = 10.0
LOST = 0.2

SPIN = """
import os, sys, time
os.sched_setaffinity(0, {int(sys.argv[1])})
began = last = time.monotonic()
cpu, gap = time.process_time(), 0.0
while last < began + float(sys.argv[2]):
    now = time.monotonic()
    gap, last = max(gap, now - last), now
print(gap * 1000, 1 - (time.process_time() - cpu) / (last - began))
"""


def attempts(free: Callable[[], bool] | None = None, wait_s: float = WAIT_S) -> Iterator[int]:
    """1 to `ATTEMPTS`; before each but the first, `free` (the cores' look) has said yes, or `wait_s` are over."""
    look = free or cores_are_free
    yield 1
    for attempt in range(2, ATTEMPTS + 1):
        until = time.monotonic() + wait_s
        while not look() and time.monotonic() < until:
            pass  # a look takes its time
        yield attempt


def cores_are_free(look_s: float = LOOK_S) -> bool:
    """Does a busy loop of `look_s` seconds keep each core: no gap over `GAP_MS`, at most `LOST` of its time lost?

    A loop that sleeps would not do: some hosts take cores only from those who use them.
    """
    cores = sorted(os.sched_getaffinity(0))
    argv = [[sys.executable, "-c", SPIN, str(core), str(look_s)] for core in cores]
    loops = [subprocess.Popen(one, stdout=subprocess.PIPE, text=True) for one in argv]
    told = [[float(figure) for figure in loop.communicate()[0].split()] for loop in loops]
    return all(gap_ms <= GAP_MS and lost <= LOST for gap_ms, lost in told)
