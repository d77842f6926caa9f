"""Watches the scores as a whole: how far their distribution moved in a day (PSI), how far one user's did. Pure.

Owns the twentieths of the scale and the arithmetic. The population stability index of two distributions p and q is
`Σ (p − q)·ln(p/q)`: below 0.1 nothing moved, above 0.25 it is another population.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from system.play.ties.strength import FULL, Ints

PARTS = 20
"""Parts of the scale that are counted, each five points wide."""
LEAST = 1e-4
"""Share that an empty part is taken for: the logarithm needs one."""


def histogram(scores: Ints) -> Ints:
    """How many scores (hundredths) are in each part, (20,); the largest score is in the last."""
    return np.bincount(np.minimum(scores * PARTS // FULL, PARTS - 1), minlength=PARTS).astype(np.int64)


def psi(before: Sequence[int], after: Sequence[int]) -> float | None:
    """The index of two histograms; None where one counts nothing: no data is no stability."""
    if not sum(before) or not sum(after):
        return None
    p, q = (np.maximum(np.array(counts) / sum(counts), LEAST) for counts in (before, after))
    return float(((q - p) * np.log(q / p)).sum())


def shift(days: Sequence[tuple[Any, ...]]) -> float | None:
    """The index of the last two snapshots, latest first, (day, ties, …) each; None unless they are of two days in a
    row.
    """
    if len(days) < 2 or days[0][0] != days[1][0] + 1:
        return None
    return psi(days[1][1], days[0][1])
