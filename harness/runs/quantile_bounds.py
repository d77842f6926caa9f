"""How well a run's percentiles are known: bounds of each quantile from its histogram. Pure, no assumption of a shape.

Of n answers the number below the q-quantile is binomial (n, q), and wider where slow answers come in clumps
(`harness.engine.clumps`): the true quantile lies between two order statistics, which the histogram has (`Source:
order-statistic confidence interval of a quantile, normal approximation`).
"""

from __future__ import annotations

import itertools
import math
from typing import Any

from harness.engine.clumps import QUANTILES
from harness.engine.histogram import HIGH_US

Z = 2.576
"""99 % of a normal distribution lies within so many standard deviations."""
TIMES = ("response", "service", "queued")

Bounds = dict[str, tuple[float, float]]


def bounds_of(account: dict[str, Any]) -> dict[str, Bounds]:
    """By time and percentile: (low, high) in milliseconds, for the percentiles that the account tells."""
    out: dict[str, Bounds] = {}
    for name in TIMES:
        percentiles, histogram = account["latency_ms"][name], account["histograms"][name]
        clumps = account["clumps"][name]
        found = {p: _bound(histogram, q, clumps[p]) for p, q in QUANTILES.items() if percentiles.get(p) is not None}
        out[name] = {p: pair for p, pair in found.items() if pair is not None}
    return out


def _bound(histogram: dict[str, Any], q: float, clumped: float) -> tuple[float, float] | None:
    counts = [histogram["below"], *histogram["counts"], histogram["above"]]
    edges = [0, *(int(HIGH_US[bucket]) for bucket in histogram["buckets"]), histogram["max_us"]]
    total = sum(counts)
    if not total:
        return None
    wide = Z * math.sqrt(clumped * total * q * (1 - q))
    low, high = max(0.0, total * q - wide), min(float(total), total * q + wide)
    reached = list(itertools.accumulate(counts))

    def at(rank: float) -> float:
        return float(next(edge for edge, so_far in zip(edges, reached, strict=True) if so_far >= rank) / 1000)

    return at(low), at(high)
