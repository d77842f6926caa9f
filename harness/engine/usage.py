"""What a generator uses, and how it is scheduled: CPU, time it waited for one, memory. Judges nothing."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

from harness import slices
from harness.engine.health import CpuSample

NS = 1_000_000_000
_LINE = 512
"""Bytes that hold the first line of /proc/stat."""


def used() -> dict[str, float] | None:
    """CPU seconds and highest memory of this process; None where the system does not report them."""
    if sys.platform == "win32":
        return None
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF)
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return {"cpu_s": round(used.ru_utime + used.ru_stime, 2), "rss_mib_max": round(used.ru_maxrss / unit, 1)}


def cpu_sample(now: int) -> CpuSample:
    """CPU of this process's main thread until now (CLOCK_MONOTONIC ns), its waits for a core, and `host_ticks`."""
    try:
        with open("/proc/self/schedstat", "rb") as file:
            busy, waited, _ = file.read().split()
            return CpuSample(now, int(busy), int(waited), *host_ticks())
    except OSError:  # not Linux: CPU alone
        times = os.times()
        return CpuSample(now, int((times.user + times.system) * NS), 0)


def host_ticks() -> tuple[int, int]:
    """CPU time of the whole machine so far, and what its host took of it; (0, 0) where nobody tells. Some 10 us."""
    try:
        with open("/proc/stat", "rb", buffering=0) as file:
            # cpu  user nice system idle iowait irq softirq steal, and guests, who are in `user` already
            told = [int(figure) for figure in file.read(_LINE).split(b"\n", 1)[0].split()[1:9]]
    except (OSError, ValueError):
        return 0, 0
    return (sum(told), told[7]) if len(told) == 8 else (0, 0)


def schedule_class(realtime: bool) -> str | None:
    """Sets its scheduling class and names it: ``fifo``, ``other``, or None where the system has no such thing.

    Its starter may be a batch process, but a pacer must get its core the moment its timer expires: its time slice is as
    short as that of the parts that it asks.
    """
    if not hasattr(os, "sched_setscheduler"):
        return None
    if realtime:
        with suppress(PermissionError):
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
            return "fifo"
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    slices.ask_for(slices.SHORTEST_US)
    return "other"
