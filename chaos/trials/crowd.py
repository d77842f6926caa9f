"""How much of this machine's cores other work uses while a part comes back. Owns one figure; judges nothing.

A time limit says nothing about the part on a machine that is busy with other work, its own or that of the machines
beside it on one host.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence

import psutil

from harness.watch.usage import busy_s


class Crowd:
    """Cores in use outside of the given process trees, on average from the call of `begin` on."""

    def __init__(self, roots: Sequence[int]) -> None:
        self._roots = (os.getpid(), *roots)
        self._own: dict[int, float] = {}
        self._busy_s = self._at = 0.0

    def begin(self) -> None:
        """From now on."""
        self._own, self._busy_s, self._at = self._used(), busy_s(), time.monotonic()

    def cores(self) -> float:
        """What others used since then. What a process of ours used before it died counts as theirs: it is little."""
        # Both at once: to look at the processes takes a while, in which others go on.
        used_s, elapsed_s = busy_s() - self._busy_s, time.monotonic() - self._at
        own = sum(max(0.0, used - self._own.get(pid, 0.0)) for pid, used in self._used().items())
        return round(max(0.0, used_s - own) / elapsed_s, 2) if elapsed_s > 0 else 0.0

    def _used(self) -> dict[int, float]:
        found: dict[int, float] = {}
        for root in self._roots:
            try:
                family = [psutil.Process(root), *psutil.Process(root).children(recursive=True)]
            except psutil.NoSuchProcess:
                continue
            for process in family:
                try:
                    times = process.cpu_times()
                except psutil.NoSuchProcess:
                    continue
                found[process.pid] = times.user + times.system
        return found
