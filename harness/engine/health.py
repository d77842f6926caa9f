"""Was the generator the limit? Pure rules on recorded times and CPU samples; does not judge the system.

INVALID if in two consecutive measured seconds, or in more than 5 % of them: lag p99 > max(1 ms, 10 % of the objective),
or lag > 10 ms in more than 1 %, or the pacer reached < 99 % of the plan, all by intended second; or generator CPU +
time it waited for a CPU > 90 % for 3 s; or the counts do not close.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from harness.phrases import Sentence, sentence

NS = 1_000_000_000
LAG_MIN_MS = 1.0
LAG_OF_OBJECTIVE = 0.10
LATE_MS = 10.0
LATE_SHARE = 0.01
REACHED_SHARE = 0.99
BAD_SECONDS_SHARE = 0.05
CPU_SHARE = 0.90
CPU_SECONDS = 3.0

Times = npt.NDArray[np.int64]


class CpuSample(NamedTuple):
    """A reading of /proc/self/schedstat: all nanoseconds, ``at_ns`` CLOCK_MONOTONIC. Then of /proc/stat, in ticks: this
    machine's CPU time, and what its own host took of it (*steal*).
    """

    at_ns: int
    cpu_ns: int
    waited_ns: int
    ticks: int = 0
    steal_ticks: int = 0


class Steal(NamedTuple):
    """Shares of this machine's CPU time that its host took: of all samples, and of the worst second. None: not told."""

    mean: float | None = None
    most: float | None = None


NOT_TOLD = Steal()


@dataclass(frozen=True, slots=True)
class Health:
    """``late``: taps with lag > 10 ms; ``cpu_max``: highest share over 3 s, CPU and waiting for it together. ``steal``
    judges nothing: a pause of the whole machine is in every figure, and shows as lag as well.
    """

    valid: bool
    reasons: tuple[Sentence, ...]
    seconds: int
    bad_seconds: int
    late: int
    cpu_max: float | None
    steal: Steal = NOT_TOLD


def lag_ms_max(objective_ms: float) -> float:
    """How high the lag's p99 of a second may be."""
    return max(LAG_MIN_MS, LAG_OF_OBJECTIVE * objective_ms)


class LagSeconds:
    """Lag by intended second of the ``window`` (measured part of the plan, warm-up cut), as the taps are read."""

    def __init__(self, window: tuple[int, int], objective_ms: float) -> None:
        self.window, self.limit_ns = window, lag_ms_max(objective_ms) * 1e6
        self.seconds = -(-(window[1] - window[0]) // NS)
        self.bad: dict[str, list[int]] = {"lag_p99": [], "late": [], "reached": []}
        self.late = self.taps = 0
        self._second, self._open = 0, np.zeros(0, np.int64)  # lag of the second that may go on

    def add(self, intended_ns: Times, reached_ns: Times) -> None:
        """The next taps, in their order; those outside of the window are left out. ``reached_ns``: 0 where the pacer
        never came.
        """
        inside = (intended_ns >= self.window[0]) & (intended_ns < self.window[1])
        intended, reached = intended_ns[inside], reached_ns[inside]
        if not len(intended):
            return
        lag = np.where(reached > 0, reached - intended, -1)
        self.taps += len(lag)
        self.late += int((lag > LATE_MS * 1e6).sum())
        second = (intended - self.window[0]) // NS
        numbers, first = np.unique(second, return_index=True)
        for number, part in zip(numbers.tolist(), np.split(lag, first[1:]), strict=True):
            if number != self._second:
                self.close()
                self._second, self._open = number, part.copy()
            else:
                self._open = np.concatenate([self._open, part])

    def close(self) -> None:
        """No further tap of the second that was read last."""
        lag, self._open = self._open, self._open[:0]
        if not len(lag):
            return
        came = np.sort(lag[lag >= 0])
        if len(came) < REACHED_SHARE * len(lag):
            self.bad["reached"].append(self._second)
        if len(came):
            if came[min(int(np.ceil(0.99 * len(came))), len(came)) - 1] > self.limit_ns:
                self.bad["lag_p99"].append(self._second)
            if (came > LATE_MS * 1e6).sum() > LATE_SHARE * len(came):
                self.bad["late"].append(self._second)


def judge(
    intended_ns: Times,
    reached_ns: Times,
    window: tuple[int, int],
    cpu: list[CpuSample],
    objective_ms: float,
    residues: Mapping[str, int],
    idle: bool = False,
) -> Health:
    """Health of taps that are all at hand, as ``LagSeconds`` takes them; see ``judged``."""
    lag = LagSeconds(window, objective_ms)
    lag.add(intended_ns, reached_ns)
    return judged(lag, cpu, residues, idle)


def judged(lag: LagSeconds, cpu: list[CpuSample], residues: Mapping[str, int], idle: bool = False) -> Health:
    """Health of the taps that were read.

    ``residues``: differences of counts that must all be 0. ``idle``: it may have had none to send, because another
    worker had the few there were.
    """
    lag.close()
    reasons: list[Sentence] = []
    words: dict[str, tuple[str, dict[str, float]]] = {
        "lag_p99": ("lag_p99", {"limit_ms": lag.limit_ns / 1e6}),
        "late": ("lag_late", {"limit_ms": LATE_MS, "share": LATE_SHARE}),
        "reached": ("not_reached", {"share": REACHED_SHARE}),
    }
    spoilt = sorted({number for numbers in lag.bad.values() for number in numbers})
    if _too_many(spoilt, lag.seconds):
        for rule, numbers in lag.bad.items():
            if numbers:
                shown = ", ".join(map(str, numbers[:5])) + (" …" if len(numbers) > 5 else "")
                says, limits = words[rule]
                reasons.append(sentence(says, **limits, count=len(numbers), seconds=lag.seconds, shown=shown))
    cpu_max = busiest(cpu)
    if cpu_max is not None and cpu_max > CPU_SHARE:
        reasons.append(sentence("generator_cpu", share=cpu_max, over_s=CPU_SECONDS))
    reasons += [sentence("counts_open", name=name, value=value) for name, value in residues.items() if value]
    if not lag.taps and not idle:
        reasons.append(sentence("no_tap"))
    return Health(not reasons, tuple(reasons), lag.seconds, len(spoilt), lag.late, cpu_max, stolen(cpu))


def _too_many(spoilt: list[int], seconds: int) -> bool:
    """Two in a row, or more than 5 %. A single bad second of a short run is neither."""
    neighbours = any(b - a == 1 for a, b in itertools.pairwise(spoilt))
    return neighbours or (len(spoilt) > 1 and len(spoilt) > BAD_SECONDS_SHARE * seconds)


def busiest(cpu: list[CpuSample]) -> float | None:
    """Highest share of a CPU used or waited for over 3 s (over all there is, if that is shorter but ≥ 1 s)."""
    best: float | None = None
    first = 0
    for last in range(1, len(cpu)):
        while cpu[last].at_ns - cpu[first + 1].at_ns >= CPU_SECONDS * NS:
            first += 1
        span = cpu[last].at_ns - cpu[first].at_ns
        whole = cpu[-1].at_ns - cpu[0].at_ns
        if span < min(CPU_SECONDS * NS, max(whole, NS)):
            continue
        busy = cpu[last].cpu_ns - cpu[first].cpu_ns + cpu[last].waited_ns - cpu[first].waited_ns
        best = max(best or 0.0, busy / span)
    return best


def stolen(cpu: list[CpuSample]) -> Steal:
    """What the host took between the samples, which are some second apart each."""
    shares = [
        (after.steal_ticks - before.steal_ticks) / (after.ticks - before.ticks)
        for before, after in itertools.pairwise(cpu)
        if after.ticks > before.ticks
    ]
    if not shares:
        return NOT_TOLD
    return Steal((cpu[-1].steal_ticks - cpu[0].steal_ticks) / (cpu[-1].ticks - cpu[0].ticks), max(shares))
