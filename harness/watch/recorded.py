"""A rate as Prometheus recorded it: one series over a range, as rows of a recording. Nothing is invented: a point
without a value is left out, and counted.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Protocol

from harness.errors import BadInput
from harness.watch.prom import MOST_POINTS, number, step_of


class RangeApi(Protocol):
    """What is needed of a Prometheus: see `harness.watch.prom.Prometheus.series`."""

    def series(self, query: str, start_s: float, end_s: float, step_s: int) -> list[dict[str, Any]]: ...


@dataclass(frozen=True, slots=True)
class RecordedRate:
    """`rows`: (Unix time, events per second), ascending; `left_out`: points of the range without a value."""

    rows: tuple[tuple[float, float], ...]
    left_out: int
    step_s: int

    @property
    def top(self) -> float:
        return max((rate for _, rate in self.rows), default=0.0)

    @property
    def length_s(self) -> float:
        return self.rows[-1][0] - self.rows[0][0] if self.rows else 0.0


def recorded_rate(prometheus: RangeApi, query: str, start_s: float, end_s: float, step_s: int | None) -> RecordedRate:
    """The one series of a range query, a point every `step_s` (as close as Prometheus answers at once if None).

    Raises BadInput for a range without points, with too many, or a query of no or several series; PromError.
    """
    if not start_s < end_s:
        raise BadInput("the range ends before it begins", expected="--from before --to")
    step = step_s or step_of(start_s, end_s)
    points = math.floor((end_s - start_s) / step) + 1
    if points > MOST_POINTS + 1:
        least = step_of(start_s, end_s)
        raise BadInput(f"{points:,} points", expected=f"at most {MOST_POINTS:,}: --step {least}s or more")
    found = prometheus.series(query, start_s, end_s, step)
    if len(found) != 1:
        what = f"{len(found)} series" if found else "no series in that range"
        raise BadInput(f"--query {query}: {what}", expected="one, such as sum(rate(NAME[1m]))")
    rows = [(float(at_s), rate) for at_s, text in found[0]["values"] if (rate := number(text)) is not None]
    return RecordedRate(tuple(rows), points - len(rows), step)
