"""The middle of paired ratios and how sure it is: for costs so small that two medians would hide them."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass

SURE = 0.95


@dataclass(frozen=True, slots=True)
class Middle:
    """Median of `pairs` ratios; `interval`: where the true median lies, 19 times of 20, by the signs alone."""

    ratio: float
    interval: tuple[float, float]
    pairs: int

    def document(self) -> dict[str, object]:
        """The fields of `--json`."""
        return {**asdict(self), "ratio": round(self.ratio, 4), "interval": [round(end, 4) for end in self.interval]}


def middle(samples: Sequence[tuple[float, float]]) -> Middle:
    """Of value ÷ anchor. Nothing is assumed of how ratios are spread but that each lies as likely above the true median
    as below it. Fewer than six pairs allow no such interval: then it is from the least to the largest.
    """
    ratios = sorted(value / anchor for value, anchor in samples)
    beyond = _beyond(len(ratios))
    return Middle(statistics.median(ratios), (ratios[beyond], ratios[-1 - beyond]), len(ratios))


def _beyond(number: int) -> int:
    """How many of so many ratios may be left out on either side: the most for which it is unlikely enough that no more
    of them lie below the true median.
    """
    below, chance = 0, 0.5**number
    while chance <= (1 - SURE) / 2:
        below += 1
        chance += math.comb(number, below) * 0.5**number
    return max(below - 1, 0)
