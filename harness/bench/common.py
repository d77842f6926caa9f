"""What all benches share: a value and an anchor measured in alternation, their medians compared, one JSON document."""

from __future__ import annotations

import os
import platform
import statistics
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from harness.bench.paired import middle
from harness.environment import hot_path
from harness.errors import BadInput, EnvironmentNotReady

TIMES = 3
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Report:
    """A bench's answer. ``samples``: (value, anchor) pairs; ``extra`` joins the document's top level.

    ``paired``: the ratio is the median of the pairs' own, given with its interval; else that of the two medians.
    """

    bench: str
    unit: str
    anchor: str
    samples: tuple[tuple[float, float], ...]
    extra: dict[str, Any] = field(default_factory=dict)
    paired: bool = False

    @property
    def value(self) -> float:
        return statistics.median(value for value, _ in self.samples)

    @property
    def anchor_value(self) -> float:
        return statistics.median(anchor for _, anchor in self.samples)

    @property
    def ratio(self) -> float:
        return middle(self.samples).ratio if self.paired else self.value / self.anchor_value

    def document(self) -> dict[str, Any]:
        """The shape of ``xiu bench X --json``."""
        return {
            "bench": self.bench,
            "ratio": round(self.ratio, 4),
            **(
                {"interval": middle(self.samples).document()["interval"], "pairs": len(self.samples)}
                if self.paired
                else {}
            ),
            "anchor": self.anchor,
            "value": self.value,
            "unit": self.unit,
            "anchor_value": self.anchor_value,
            "samples": [list(pair) for pair in self.samples],
            **self.extra,
            "environment": environment(),
        }


def alternate(
    value: Callable[[], float], anchor: Callable[[], float], say: Say, times: int = TIMES
) -> tuple[tuple[float, float], ...]:
    """(value, anchor) pairs, measured one after the other, so that a change of the machine affects both."""
    if times < TIMES:
        raise BadInput(f"{times} samples", expected=f"at least {TIMES}")
    pairs: list[tuple[float, float]] = []
    for number in range(1, times + 1):
        pair = (value(), anchor())
        say(f"sample {number} of {times}: value {pair[0]:,.4g}, anchor {pair[1]:,.4g}, ratio {pair[0] / pair[1]:.3f}")
        pairs.append(pair)
    return tuple(pairs)


def two_cores() -> tuple[int, int]:
    """Core of the server and core of the generator. Raises EnvironmentNotReady where processes cannot be pinned."""
    if not hasattr(os, "sched_setaffinity"):
        raise EnvironmentNotReady(f"this bench pins processes to cores, which {sys.platform} does not offer; use Linux")
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise EnvironmentNotReady("this bench needs two cores: one for the server, one for the generator")
    return cores[0], cores[1]


def environment() -> dict[str, Any]:
    """Where it was measured."""
    return {
        "cores": os.cpu_count(),
        "machine": platform.machine(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "cpu": _cpu_model(),
        "hot_path": str(hot_path()),
        "load_1m": round(os.getloadavg()[0], 2),
    }


def _cpu_model() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            names = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    except OSError:
        names = []
    return names[0] if names else platform.processor() or "unknown"
