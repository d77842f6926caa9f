"""What the kernel says of a process, under the names that prometheus-client's own collector has, once a scrape.

Unlike that one, open files are not listed where the kernel counts them (Linux 6.2): a list of 2,500 connections kept a
front from its clients for milliseconds. Where there is no /proc, or no such process, there are no figures.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

PROC = Path("/proc")


class ProcessFigures(Collector):
    """Of the process that `whose` names at each scrape: its id, or "self"."""

    def __init__(self, whose: Callable[[], int | str], proc: Path = PROC) -> None:
        self._whose, self._proc = whose, proc

    def collect(self) -> Iterator[Metric]:
        """CPU, memory, start, open files; only what can be read."""
        place = self._proc / str(self._whose())
        try:
            yield from self._of_stat(place / "stat")
            yield from _of_files(place)
        except OSError:
            return

    def _of_stat(self, file: Path) -> Iterator[Metric]:
        """Fields of proc(5), counted behind the command's name, which may hold anything."""
        fields = file.read_bytes().rpartition(b")")[2].split()
        ticks, page = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
        cpu_s, begun_s = (int(fields[11]) + int(fields[12])) / ticks, int(fields[19]) / ticks
        yield GaugeMetricFamily("process_virtual_memory_bytes", "Virtual memory size in bytes.", float(fields[20]))
        yield GaugeMetricFamily(
            "process_resident_memory_bytes", "Resident memory size in bytes.", float(fields[21]) * page
        )
        yield GaugeMetricFamily(
            "process_start_time_seconds",
            "Start time of the process since unix epoch in seconds.",
            self._booted_s() + begun_s,
        )
        yield CounterMetricFamily(
            "process_cpu_seconds_total", "Total user and system CPU time spent in seconds.", cpu_s
        )

    def _booted_s(self) -> float:
        """The machine's start, since 1970."""
        with (self._proc / "stat").open("rb") as lines:
            return next((float(line.split()[1]) for line in lines if line.startswith(b"btime ")), 0.0)


def _of_files(place: Path) -> Iterator[Metric]:
    with (place / "limits").open("rb") as lines:
        most = next((line.split()[3] for line in lines if line.startswith(b"Max open files")), b"unlimited")
    yield GaugeMetricFamily("process_open_fds", "Number of open file descriptors.", open_files(place / "fd"))
    yield GaugeMetricFamily("process_max_fds", "Maximum number of open file descriptors.", float(_number(most)))


def _number(limit: bytes) -> str:
    return "inf" if limit == b"unlimited" else limit.decode()


def open_files(folder: Path) -> int:
    """How many the folder names. Its size is their number; 0 where the kernel does not count them. Raises OSError."""
    found = folder.stat()
    counted = found.st_size if stat.S_ISDIR(found.st_mode) else 0
    return counted or len(os.listdir(folder))
