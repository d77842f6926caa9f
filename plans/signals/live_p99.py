"""Signal live_p99: how long the win log takes for the public's wins, beside how long it took before the load. A front
times each append, and an append carries one win or several that came together.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from plans.signals.shape import Reading, Signal, Value

BASE_LEAST = 100
"""Appends of the public before the load, without which there is nothing to compare with."""


def _read(first: Reading, now: Reading) -> Value | None:
    before, after, base = first.money.live_append, now.money.live_append, now.money.live_baseline
    if before is None or after is None or base is None:
        return None
    usual, (value, samples) = quantile(base), quantile({edge: after[edge] - before.get(edge, 0.0) for edge in after})
    if usual[0] is None or usual[1] < BASE_LEAST or value is None:
        return None  # no win of the public was appended, before the load or in the window
    return Value(value / usual[0], samples)


def quantile(below: Mapping[float, float], part: float = 0.99) -> tuple[float | None, int]:
    """(seconds, samples) from counts at or below each edge: within its bucket in a straight line, since a change of a
    fifth is less than a bucket. None where nothing was counted, or a counter began anew.
    """
    edges = sorted(below)
    counts = [below[edge] for edge in edges]
    if not edges or counts[-1] <= 0 or any(after < before for before, after in pairwise(counts)):
        return None, 0
    wanted, low, seen = part * counts[-1], 0.0, 0.0
    for edge, count in zip(edges, counts, strict=True):
        if count >= wanted:
            if edge == float("inf"):
                return low, int(counts[-1])  # it lies beyond the last edge, wherever that is
            return low + (edge - low) * (wanted - seen) / (count - seen), int(counts[-1])
        low, seen = edge, count
    return low, int(counts[-1])


SIGNAL = Signal(
    "live_p99", "factor",
    "p99 of the public's appends to the win log, each of one win or several, as a multiple of what it was before the "
    "load",
    _read, needs=("live_append", "live_baseline"),
)  # fmt: skip
