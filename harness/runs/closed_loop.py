"""What plain Locust tells of the same service in the same seconds, beside what the schedule tells. Data alone."""

from __future__ import annotations

from harness.runs.base import Record
from harness.runs.percentiles import Percentiles

LEAST_MS = 1.0
"""Locust rounds to whole milliseconds: less than one is told as 0."""


class ClosedLoopResult(Record):
    """`wanted`: requests that the schedule has in the measured part; `sent`: those that the closed loop made of it,
    with `failed` by Locust's own word and `unanswered` at the end. `response_ms`: as Locust tells them. `open_ms`:
    response from the intended time, of the schedule.
    """

    users: int
    wanted: int
    sent: int
    failed: int
    unanswered: int
    response_ms: Percentiles
    open_ms: Percentiles

    @property
    def factor(self) -> float | None:
        """The schedule's p99 is so many times the one that the closed loop tells, at least; None: not known."""
        closed, opened = self.response_ms.p99, self.open_ms.p99
        return None if closed is None or opened is None else opened / max(closed, LEAST_MS)
