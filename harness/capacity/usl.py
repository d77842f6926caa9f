"""The Universal Scalability Law, fitted to what was seen: throughput over the requests in flight. Pure, deterministic.

    X(N) = λ·N / (1 + α·(N − 1) + β·N·(N − 1))

α: the part of the work that waits for its turn (contention); β: what each request costs every other (coherency); λ: of
one request alone. Source: N. J. Gunther, Guerrilla Capacity Planning (2007). N / X is the time of a request, a
parabola in N, so the fit is a linear one, of relative errors. Nothing is told beyond twice what was measured.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
LEVELS_LEAST = 4
"""Loads that differ: one more than there are parameters."""
SPREAD_LEAST = 2.0
"""The largest load ÷ the smallest one."""
APART = 1.05
"""Loads closer than this are one."""
REACH = 2.0
"""Times the measured range: beyond it nothing is told."""
DRAWS, SEED = 4_000, 1
QUANTILES = (0.025, 0.975)


class LoadPoint(NamedTuple):
    """`in_flight`: requests that the system had at once, on average; `rate_rps`: answers a second."""

    in_flight: float
    rate_rps: float


class Within(NamedTuple):
    """A figure, and between which ones it lies: 95 of 100 times."""

    value: float
    low: float
    high: float


class NoFit(NamedTuple):
    """Why nothing was fitted: `levels` loads were seen (too few), or they do not spread (`spread` times)."""

    levels: int
    spread: float


@dataclass(frozen=True, slots=True)
class UslFit:
    """`highest`: the most in flight that was measured. `best`: the throughput at the law's peak, if that lies within
    reach; else None: then the law has no peak, or one that nothing is known of.
    """

    one_rps: Within
    contention: Within
    coherency: Within
    lowest: float
    highest: float
    best: Within | None
    best_in_flight: float | None
    _draws: Floats

    def rate_rps(self, in_flight: float) -> Within | None:
        """The throughput at so many in flight; None beyond reach."""
        if not 0 < in_flight <= REACH * self.highest:
            return None
        of = in_flight / (self._draws @ np.array([1.0, in_flight, in_flight**2]))
        whole = self.one_rps.value * in_flight / self._law(in_flight)
        return Within(whole, *_middle(of))

    def _law(self, n: float) -> float:
        return 1 + self.contention.value * (n - 1) + self.coherency.value * n * (n - 1)


def fit(points: Sequence[LoadPoint]) -> UslFit | NoFit:
    """The law through these points; why not, where they say too little. Points without load or answers are left out."""
    seen = [one for one in points if one.in_flight > 0 and one.rate_rps > 0]
    levels, spread = _levels([one.in_flight for one in seen])
    if levels < LEVELS_LEAST or spread < SPREAD_LEAST:
        return NoFit(levels, spread)
    n = np.array([one.in_flight for one in seen])
    times = n / np.array([one.rate_rps for one in seen])
    # Each divided by its own time: an error of a tenth weighs the same at every load.
    design = np.stack([np.ones_like(n), n, n**2], axis=1) / times[:, None]
    theta, cov, freedom = _solved(design)
    draws = _drawn(theta, cov, freedom)
    one, contention, coherency = _parameters(theta[None, :])
    many = _parameters(draws)
    best, at = _peak(theta, draws, float(n.max()))
    return UslFit(
        one_rps=Within(float(one[0]), *_middle(many[0])),
        contention=Within(float(contention[0]), *_middle(many[1])),
        coherency=Within(float(coherency[0]), *_middle(many[2])),
        lowest=float(n.min()),
        highest=float(n.max()),
        best=best,
        best_in_flight=at,
        _draws=draws,
    )


def _levels(loads: Sequence[float]) -> tuple[int, float]:
    """How many loads differ, and the largest ÷ the smallest."""
    apart: list[float] = []
    for load in sorted(loads):
        if not apart or load > APART * apart[-1]:
            apart.append(load)
    return len(apart), (apart[-1] / apart[0] if apart else 0.0)


FORMS: tuple[Floats, ...] = tuple(
    np.array(columns, dtype=float)
    for columns in (
        [[1, 0, 0], [0, 1, 0], [0, 0, 1]],  # α and β
        [[1, 0], [0, 1], [0, 0]],  # β = 0
        [[1, 0], [0, -1], [0, 1]],  # α = 0
        [[1], [0], [0]],  # both 0: a time that no load changes
    )
)
"""How the parabola's coefficients follow from the free ones; a negative α or β means nothing, so it is 0."""


def _solved(design: Floats) -> tuple[Floats, Floats, int]:
    """Coefficients of the parabola, their covariance, degrees of freedom: the best of the forms that mean something."""
    target = np.ones(len(design))
    best: tuple[float, Floats, int] | None = None
    for form in FORMS:
        own = design @ form
        free, *_ = np.linalg.lstsq(own, target, rcond=None)
        theta = form @ free
        if theta[0] + theta[1] + theta[2] <= 0 or theta[0] < 0 or theta[2] < 0 or theta[1] + theta[2] < -1e-15:
            continue
        left = float(((own @ free - target) ** 2).sum())
        freedom = max(1, len(design) - form.shape[1])
        if best is None or left < best[0] - 1e-12:
            best = left, theta, freedom
    assert best is not None  # the last form always means something: times are above 0
    # Of all three, also where one is held at 0: it might as well have been a little above.
    cov = np.asarray(np.linalg.pinv(design.T @ design) * (best[0] / best[2]), dtype=np.float64)
    return best[1], cov, best[2]


def _drawn(theta: Floats, cov: Floats, freedom: int) -> Floats:
    """Coefficients as they might have come out: Student's distribution around those found, from a fixed seed."""
    random = np.random.default_rng(SEED)
    values, vectors = np.linalg.eigh(cov)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    wide = np.sqrt(freedom / random.chisquare(freedom, DRAWS))
    draws = theta + (random.standard_normal((DRAWS, 3)) @ root.T) * wide[:, None]
    good = (draws[:, 0] > 0) & (draws.sum(axis=1) > 0)
    return draws[good] if good.any() else theta[None, :]


def _parameters(theta: Floats) -> tuple[Floats, Floats, Floats]:
    """λ, α, β of coefficients, a row each."""
    one = 1 / theta.sum(axis=1)
    return one, np.maximum(0.0, (theta[:, 1] + theta[:, 2]) * one), np.maximum(0.0, theta[:, 2] * one)


def _peak(theta: Floats, draws: Floats, highest: float) -> tuple[Within | None, float | None]:
    """The highest throughput within reach, and at how many in flight; None where the law still rises there."""
    if theta[2] <= 0:
        return None, None
    at = math.sqrt(theta[0] / theta[2])
    if at > REACH * highest:
        return None, None
    edges = np.array([1.0, REACH * highest])
    curved = np.maximum(draws[:, 2], 1e-300)
    tops = np.clip(np.sqrt(draws[:, 0] / curved), edges[0] * 1e-9, edges[1])
    rates = tops / (draws[:, 0] + draws[:, 1] * tops + draws[:, 2] * tops**2)
    value = at / float(theta @ np.array([1.0, at, at**2]))
    return Within(value, *_middle(rates[rates > 0])), at


def _middle(values: Floats) -> tuple[float, float]:
    low, high = np.quantile(values, QUANTILES)
    return float(low), float(high)
