"""What each part uses of a CPU while a climb goes on, sampled every other second. A thread of its own: a system that is
slow to tell delays no decision.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

import psutil

from harness.capacity.suspect import MACHINE
from harness.errors import HarnessError
from harness.waits import joined

EVERY_S = 2.0
"""A stair lasts three windows of three seconds or more."""


class UsageSample(NamedTuple):
    """CPU seconds of each part so far, at a second of the round."""

    at_s: float
    cpu_s: Mapping[str, float]


class UsageSampler:
    """Samples from `start()` to `stop()`. `used()`: part → its figures, `cpu_s` among them; `now_s()`: of the round."""

    def __init__(self, used: Callable[[], Mapping[str, Mapping[str, float]]], now_s: Callable[[], float]) -> None:
        self._used, self._now_s = used, now_s
        self.samples: list[UsageSample] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sampling what parts use", daemon=True)

    def start(self) -> None:
        """Begins sampling."""
        self._thread.start()

    def stop(self) -> None:
        """Samples no more."""
        self._over.set()
        joined(self._thread)

    def _run(self) -> None:
        while not self._over.is_set():
            with suppress(HarnessError, OSError):
                self._sample()
            self._over.wait(EVERY_S)

    def _sample(self) -> None:
        before_s, began = self._now_s(), time.monotonic()
        used = self._used()
        # The moment in the middle of question and answer: a slow answer is not late by all of its time.
        at_s = before_s + (time.monotonic() - began) / 2
        cpu_s = {part: figures["cpu_s"] for part, figures in used.items()}
        if cpu_s:
            self.samples.append(UsageSample(at_s, cpu_s | {MACHINE: _busy_s()}))


def _busy_s() -> float:
    """CPU seconds of this whole host so far."""
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - getattr(times, "iowait", 0.0) - getattr(times, "guest", 0.0))


def cores_between(samples: Sequence[UsageSample], from_s: float, to_s: float) -> dict[str, float]:
    """Cores of each part between two seconds of the round, by the samples around both; a part, or a time, of which they
    tell nothing is left out.
    """
    first = next((one for one in reversed(samples) if one.at_s <= from_s), None)
    last = next((one for one in samples if one.at_s >= to_s), samples[-1] if samples else None)
    inside = [one for one in samples if from_s < one.at_s < to_s]
    first = first or (inside[0] if inside else None)
    if first is None or last is None or last.at_s <= first.at_s:
        return {}
    span_s = last.at_s - first.at_s
    return {part: max(0.0, last.cpu_s[part] - cpu_s) / span_s for part, cpu_s in first.cpu_s.items()
            if part in last.cpu_s}  # fmt: skip
