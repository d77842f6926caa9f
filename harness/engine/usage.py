"""What this process uses: CPU, time it waited for one, memory. Read from the system; judges nothing."""

from __future__ import annotations

import os
import sys

from harness.engine.health import CpuSample

NS = 1_000_000_000


def used() -> dict[str, float] | None:
    """CPU seconds and highest memory of this process; None where the system does not report them."""
    if sys.platform == "win32":
        return None
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF)
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return {"cpu_s": round(used.ru_utime + used.ru_stime, 2), "rss_mib_max": round(used.ru_maxrss / unit, 1)}


def cpu_sample(now: int) -> CpuSample:
    """CPU of this process's main thread until now (CLOCK_MONOTONIC ns), and how long it waited for one."""
    try:
        with open("/proc/self/schedstat", "rb") as file:
            busy, waited, _ = file.read().split()
            return CpuSample(now, int(busy), int(waited))
    except OSError:  # not Linux: CPU alone
        times = os.times()
        return CpuSample(now, int((times.user + times.system) * NS), 0)
