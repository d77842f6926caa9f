"""Kind `cpu_hog`: processes that use up the host's cores, found again by a mark in their command line.

Each ends by itself after `LIFE_S`, whatever else dies.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from typing import ClassVar, Literal

import psutil
from pydantic import Field

from chaos.errors import ChaosError
from chaos.kinds import Detail, FaultKind, until
from chaos.probing import Probe, ProbeReading, words
from harness.children import for_children
from harness.stack import Stack
from plans.models.fault import FaultSpec, Fits, ProbeSpec

LIFE_S = 600
BURN = "import sys, time\nend = time.monotonic() + float(sys.argv[2])\nwhile time.monotonic() < end: pass"
GONE_S = 3.0


class CpuHog(FaultSpec):
    """`processes` that each want a core: by default one for each core of the host."""

    on = "host"
    FITS: ClassVar = {"cpu_hog": Fits(("end_hogs",), ("cpu_burnt",), ("hogs_gone",))}
    kind: Literal["cpu_hog"]
    processes: int | None = Field(default=None, ge=1, le=64)


class CpuHogKind(FaultKind[CpuHog]):
    """Children in sessions of their own: they outlive the process that started them, but not `LIFE_S`."""

    kind = "cpu_hog"
    Spec = CpuHog

    def __init__(self) -> None:
        self._children: list[subprocess.Popen[bytes]] = []
        """Children of this process, to be reaped when they have ended."""

    def touches(self, spec: CpuHog, target: str) -> tuple[str, ...]:
        return ()

    def part(self, detail: Detail) -> str:
        return ""

    def outlives(self, detail: Detail) -> bool:
        return True

    def prepare(self, stack: Stack, spec: CpuHog, target: str) -> Detail:
        count = spec.processes or os.cpu_count() or 1
        return {"mark": "xiu-hog-" + secrets.token_hex(6), "processes": count}

    def inject(self, stack: Stack, detail: Detail) -> None:
        argv = [sys.executable, "-S", "-c", BURN, str(detail["mark"]), str(LIFE_S)]
        nowhere = subprocess.DEVNULL
        try:
            for _ in range(detail["processes"]):
                child = subprocess.Popen(
                    argv, env=for_children(), stdin=nowhere, stdout=nowhere, stderr=nowhere, start_new_session=True
                )
                self._children.append(child)
        except OSError as exc:
            raise ChaosError(f"cpu_hog: {exc}") from exc

    def in_force(self, stack: Stack, detail: Detail) -> bool:
        return len(list(hogs(detail))) == int(detail["processes"])

    def undo(self, stack: Stack, detail: Detail) -> None:
        for process in hogs(detail):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        until(lambda: self.undone(stack, detail), GONE_S, "hogs gone")

    def undone(self, stack: Stack, detail: Detail) -> bool:
        self._children = [child for child in self._children if child.poll() is None]
        # A process on its way out has no command line any more, and cannot be reaped yet.
        return not self._children and not list(hogs(detail))


def hogs(detail: Detail) -> Iterator[psutil.Process]:
    """Those of this fault that live."""
    for process in psutil.process_iter(["cmdline", "status"]):
        if detail["mark"] in (process.info["cmdline"] or ()) and process.info["status"] != psutil.STATUS_ZOMBIE:
            yield process


class CpuBurnt(ProbeSpec):
    """The hogs got time of the processors."""

    kind: Literal["cpu_burnt"]


class HogsGone(ProbeSpec):
    """None of them is left."""

    kind: Literal["hogs_gone"]


class CpuBurntProbe(Probe[CpuBurnt]):
    """Each hog has used processor time, which no other process then had."""

    kind = "cpu_burnt"
    Spec = CpuBurnt

    def seen(self) -> ProbeReading:
        burnt = [time_s for process in hogs(self.at.detail) if (time_s := _burnt_s(process)) > 0.05]
        count = self.at.detail["processes"]
        text = f"{len(burnt)} of {count} hogs burn, {sum(burnt):.1f} s so far"
        return ProbeReading(len(burnt) == count, words(text, f"{count} 个占用进程中有 {len(burnt)} 个在烧 CPU"))


class HogsGoneProbe(Probe[HogsGone]):
    """By their mark."""

    kind = "hogs_gone"
    Spec = HogsGone

    def seen(self) -> ProbeReading:
        left = len(list(hogs(self.at.detail)))
        return ProbeReading(not left, words(f"{left} hogs are left", f"还剩 {left} 个占用进程"))


def _burnt_s(process: psutil.Process) -> float:
    try:
        return float(process.cpu_times().user)
    except psutil.NoSuchProcess:
        return 0.0
