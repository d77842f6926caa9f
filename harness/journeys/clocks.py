"""How far the wall clocks of a run's hosts are apart. A plan's times are wall-clock times, which each host turns into
its own monotonic clock: a worker whose clock is ahead fires too early.

Measured by question and answer: the offset is known within half of the time that the two took together.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

WARN_S, MOST_S = 0.1, 1.0
EVERY_S = 10.0


def wall_ns() -> int:
    """This host's wall clock, Unix time."""
    return time.time_ns()


@dataclass(slots=True)
class HostClock:
    """A worker's clock beside the master's. `offset_s`: of the reading that is known best, above 0 where the worker's
    is ahead; `within_s`: how well; `worst_s`: the largest difference that any reading proves.
    """

    offset_s: float = 0.0
    within_s: float = float("inf")
    worst_s: float = 0.0
    readings: int = 0

    def take(self, asked_ns: int, told_ns: int, answered_ns: int) -> None:
        """A question of the master's at one time of its clock, the worker's time in its answer, the master's then."""
        offset_s = (told_ns - (asked_ns + answered_ns) / 2) / 1e9
        within_s = max(0.0, (answered_ns - asked_ns) / 2e9)
        self.readings += 1
        self.worst_s = max(self.worst_s, abs(offset_s) - within_s)
        if within_s < self.within_s:
            self.offset_s, self.within_s = offset_s, within_s

    @property
    def beyond(self) -> bool:
        """Is it certain that the two clocks are, or were, too far apart?"""
        return self.worst_s > MOST_S

    @property
    def far(self) -> bool:
        """Worth a warning?"""
        return self.worst_s > WARN_S
