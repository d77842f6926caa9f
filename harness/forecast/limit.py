"""How much the per-client limit will refuse under a plan's curve: a leaking bucket, simulated in small steps. Pure.

A user taps in proportion to the plan's rate, so a too-fast user is refused near the peak and let through elsewhere.
Users follow each other at a place; each begins with an empty bucket.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from harness.engine.schedule import pieces_of
from harness.forecast.share import Share
from plans.models import Forecast
from plans.models.steps import Segment

Floats = npt.NDArray[np.float64]

STEP_S = 0.05
MOST_STEPS = 10_000


@dataclass(frozen=True, slots=True)
class Quick:
    """Too-fast users: their share of the tappers, and how many times as often they tap as the others."""

    share: Floats
    factor: Floats


def curve(segments: Sequence[Segment], step_s: float = STEP_S, phases: tuple[int, ...] = (1,)) -> Floats:
    """Taps per second in steps of `step_s`, of the measured part (phase 1) if nothing else is said; shape (steps,)."""
    pieces = [piece for piece in pieces_of(segments) if piece.phase in phases]
    ends = np.cumsum([piece.duration_s for piece in pieces])
    middles = (np.arange(round(ends[-1] / step_s)) + 0.5) * step_s
    owner = np.minimum(np.searchsorted(ends, middles, side="right"), len(pieces) - 1)
    rates = np.zeros(len(middles))
    for number in np.unique(owner):
        mine = owner == number
        rates[mine] = pieces[number].rate_rps(middles[mine] - (ends[number] - pieces[number].duration_s))
    return rates


def step_of(duration_s: float) -> float:
    """Seconds of a step: fine enough for a limiter, and never more than MOST_STEPS of them."""
    return max(STEP_S, duration_s / MOST_STEPS)


def refused_share(rates: Floats, share: Share, forecast: Forecast, quick: Quick, step_s: float = STEP_S) -> Floats:
    """Part of all measured taps that the limit refuses, one value for each of `quick`; `rates` in steps of `step_s`."""
    limit, burst = forecast.limits.taps_per_client, float(forecast.limits.burst)
    turns = max(1, share.users // share.tapping_at_once)
    done = np.cumsum(rates)
    turn = np.minimum((done - rates) * turns // done[-1], turns - 1)
    # The rate is shared out by weight: a too-fast user counts `factor` times.
    per_tap = 1.0 / (share.tapping_at_once * (1 + quick.share * (quick.factor - 1)))
    level, refused = np.zeros_like(quick.share), np.zeros_like(quick.share)
    for step, rate in enumerate(rates):
        if step and turn[step] != turn[step - 1]:
            level = np.zeros_like(level)
        level = np.maximum(level + (rate * per_tap * quick.factor - limit) * step_s, 0.0)
        over = np.maximum(level - burst, 0.0)
        refused, level = refused + over, level - over
    return np.asarray(refused * quick.share * share.tapping_at_once / (done[-1] * step_s), dtype=np.float64)
