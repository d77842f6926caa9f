"""What each part uses of a CPU while a climb goes on, and what it tells of itself, sampled every other second. A thread
of its own: a system that is slow to tell delays no decision.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

import psutil

from harness.capacity.signs import HOST, METRICS, WAIT_FOR_DISK, Samples, SystemSample, around
from harness.capacity.suspect import MACHINE
from harness.errors import HarnessError
from harness.loopback import session as loopback_session
from harness.own_thread import OwnThread
from harness.stack.places import Directory
from harness.watch.prom import PromError, read_metrics

EVERY_S = 2.0
"""A stair lasts three windows of three seconds or more."""
TELL_TIMEOUT_S = 1.0


class UsageSample(NamedTuple):
    """CPU seconds of each part so far, at a second of the round."""

    at_s: float
    cpu_s: Mapping[str, float]


def told_by(places: Directory) -> dict[str, Samples]:
    """What fronts and stores tell of themselves now, as far as it is looked at; who does not answer is left out."""
    found: dict[str, Samples] = {}
    with loopback_session(TELL_TIMEOUT_S) as session:
        for place in (*places.of("front"), *places.of("stores")):
            if place.metrics_url:
                with suppress(PromError):
                    told = read_metrics(f"{place.metrics_url.rstrip('/')}/metrics", TELL_TIMEOUT_S, session)
                    found[place.name] = {key: value for key, value in told.items() if key[0] in METRICS}
    return found


class UsageSampler(OwnThread):
    """Samples from `start()` to `stop()`. `used()`: part → its figures, `cpu_s` among them; `now_s()`: of the round;
    `told()`: part → what it tells of itself.
    """

    def __init__(
        self,
        used: Callable[[], Mapping[str, Mapping[str, float]]],
        now_s: Callable[[], float],
        told: Callable[[], dict[str, Samples]] = dict,
    ) -> None:
        super().__init__("sampling what parts use")
        self._used, self._now_s, self._told = used, now_s, told
        self.samples: list[UsageSample] = []
        self.told: list[SystemSample] = []

    def _run(self) -> None:
        while not self._over.is_set():
            for sample in (self._sample, self._sample_told):
                with suppress(HarnessError, OSError):
                    sample()
            self._over.wait(EVERY_S)

    def _sample(self) -> None:
        before_s, began = self._now_s(), time.monotonic()
        used = self._used()
        # The moment in the middle of question and answer: a slow answer is not late by all of its time.
        at_s = before_s + (time.monotonic() - began) / 2
        cpu_s = {part: figures["cpu_s"] for part, figures in used.items()}
        if cpu_s:
            self.samples.append(UsageSample(at_s, cpu_s | {MACHINE: busy_s()}))

    def _sample_told(self) -> None:
        before_s, began = self._now_s(), time.monotonic()
        told = self._told()
        at_s = before_s + (time.monotonic() - began) / 2
        if self.samples:  # its processes run here, so this host's disk is the system's
            waited_s = getattr(psutil.cpu_times(), "iowait", None)
            told |= {} if waited_s is None else {HOST: {(WAIT_FOR_DISK, frozenset()): float(waited_s)}}
        if told:
            self.told.append(SystemSample(at_s, told))


def busy_s() -> float:
    """CPU seconds of this whole host so far, those that its own host took from it (*steal*) included."""
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - getattr(times, "iowait", 0.0) - getattr(times, "guest", 0.0))


def cores_between(samples: Sequence[UsageSample], from_s: float, to_s: float) -> dict[str, float]:
    """Cores of each part between two seconds of the round, by the samples around both; a part, or a time, of which they
    tell nothing is left out.
    """
    ends = around(samples, from_s, to_s)
    if ends is None:
        return {}
    first, last = ends
    span_s = last.at_s - first.at_s
    return {part: max(0.0, last.cpu_s[part] - cpu_s) / span_s for part, cpu_s in first.cpu_s.items()
            if part in last.cpu_s}  # fmt: skip
