"""What each part uses: CPU seconds over all of its lives, and the most memory seen. Judges nothing."""

from __future__ import annotations

import contextlib
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

Children = Mapping[int, Sequence[int]]
SAMPLE_EVERY_S = 1.0
MIB = 1 << 20


@dataclass
class Usage:
    """One part's use of the machine."""

    cpu_s: float = 0.0
    rss_mib_max: float = 0.0

    def to_json(self) -> dict[str, float]:
        """Fields of `run.json`'s `resources`."""
        return {"cpu_s": round(self.cpu_s, 3), "rss_mib_max": round(self.rss_mib_max, 1)}


def since(
    now: Mapping[str, Mapping[str, float]], before: Mapping[str, Mapping[str, float]]
) -> dict[str, dict[str, float]]:
    """What each part used from then on: a stack that was kept has worked for others. The largest memory stays."""
    return {
        part: {**used, "cpu_s": round(max(0.0, used["cpu_s"] - before.get(part, {}).get("cpu_s", 0.0)), 3)}
        for part, used in now.items()
    }


def children_of() -> Children:
    """Of every process there is, read once for all parts: psutil reads them all for each that it is asked about."""
    found: dict[int, list[int]] = defaultdict(list)
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError, ValueError, IndexError):
            found[_parent(process)].append(process.pid)
    return found


def _parent(process: psutil.Process) -> int:
    if not sys.platform.startswith("linux"):
        return process.ppid()
    # A name may hold spaces and brackets; the state stands behind the last one, and then the parent.
    stat = Path(f"/proc/{process.pid}/stat").read_bytes()
    return int(stat[stat.rindex(b")") + 2 :].split(None, 2)[1])


def measure(pid: int, children: Children | None = None) -> tuple[float, float]:
    """(CPU seconds, resident MiB) of a process with its descendants. Memory that they share counts once."""
    children = children_of() if children is None else children
    cpu_s, own, shared = 0.0, 0, 0
    family, left = [], [pid]
    while left:
        family.append(left.pop())
        left += children.get(family[-1], ())
    for member in family:
        try:
            process = psutil.Process(member)
            times, memory = process.cpu_times(), process.memory_info()
        except psutil.Error:
            continue
        # What ended children used is in the parent's children_* once it has waited for them.
        cpu_s += (
            times.user + times.system + getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0)
        )
        common = getattr(memory, "shared", 0)
        own, shared = own + memory.rss - common, max(shared, common)
    return cpu_s, (own + shared) / MIB


class ResourceSampler:
    """Adds samples up per part, across restarts."""

    def __init__(self) -> None:
        self.usage: dict[str, Usage] = {}
        self._life: dict[str, tuple[int, float]] = {}

    def sample(self, pids: dict[str, int]) -> None:
        """Take one sample of every part that runs."""
        children = children_of()
        for part, pid in pids.items():
            cpu_s, rss_mib = measure(pid, children)
            last_pid, last_cpu_s = self._life.get(part, (pid, 0.0))
            usage = self.usage.setdefault(part, Usage())
            usage.cpu_s += max(0.0, cpu_s - (last_cpu_s if last_pid == pid else 0.0))
            usage.rss_mib_max = max(usage.rss_mib_max, rss_mib)
            self._life[part] = (pid, max(cpu_s, last_cpu_s) if last_pid == pid else cpu_s)

    def to_json(self) -> dict[str, dict[str, float]]:
        """part → its use."""
        return {part: usage.to_json() for part, usage in sorted(self.usage.items())}
