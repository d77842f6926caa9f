"""What has been seen of a window: two readings of all cannons as the figures that give it its colour. Pure.

A window is seen from the decision before it to its own, so that nothing is left out between two of them: the last
seconds of a window count for the one after it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from harness.guard.green import WindowFigures
from plans.signals import Reading

FRESH_S = 1.5
"""A worker whose counts are older says nothing of this window: it reports twice a second."""


def figures_of(
    first: Reading,
    now: Reading,
    planned: Callable[[float], int],
    response_s: float,
    workers: int,
    now_s: float,
    each: Mapping[str, float] = MappingProxyType({}),
) -> WindowFigures:
    """`planned(at_s)`: requests of all workers that are due before that second of the round; `now_s`: such a second;
    `each`: request → its own bound, seconds.

    An answer is slow whose bucket ends beyond `response_s`. A request that was dropped is an error: it waited for a
    connection longer than anybody waits.
    """
    slow = _slow(first, now, response_s)
    dropped = now.dropped - first.dropped
    return WindowFigures(
        span_s=_mean(now.seen_s) - _mean(first.seen_s),
        planned=_due(now, planned, workers) - _due(first, planned, workers),
        reached=now.reached - first.reached,
        late=now.late - first.late,
        answered=now.answered - first.answered,
        errors=max(0, now.errors - first.errors) + dropped,
        slow=slow,
        waiting=now.reached - now.answered - now.dropped,
        fresh=len(now.seen_s) == workers and min(now.seen_s) >= now_s - FRESH_S,
        apart=tuple(_apart(first, now, name, bound_s) for name, bound_s in each.items()),
    )


def _slow(first: Reading, now: Reading, response_s: float) -> int:
    before = dict(first.response_us)
    return sum(count - before.get(edge, 0) for edge, count in now.response_us if edge > response_s * 1e6)


def _apart(first: Reading, now: Reading, name: str, bound_s: float) -> tuple[int, int]:
    """Of one request alone: how many answers were slow, of how many."""
    none = Reading(0.0)
    before, after = first.journeys.get(name, none), now.journeys.get(name, none)
    return _slow(before, after, bound_s), after.answered - before.answered


def _due(reading: Reading, planned: Callable[[float], int], workers: int) -> int:
    """Each worker has its part of the plan, and was read at a time of its own. Rounded down: one too many would be the
    generator's fault.
    """
    return int(sum(planned(at_s) for at_s in reading.seen_s) / workers)


def _mean(times_s: tuple[float, ...]) -> float:
    return sum(times_s) / len(times_s) if times_s else 0.0
