"""Made-up histories of pairs of people, for the fit of the weights. Pure: a seed in, the same histories out.

Owns what is assumed of people: sorts of relations, how often they have to do with each other, how festivals go, how
relations end. Nothing of it was measured on real users: docs/season.md says so beside the fit's quality.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from system.ledger.interactions import HALF_LIVES_US, KINDS, LANDMARK_US
from system.play.ties.strength import FESTIVAL, TieSums

DAY_US = 86_400_000_000
NOW_US = LANDMARK_US + 365 * DAY_US
"""The moment at which the histories are looked at: the evening's end, `FESTIVAL_DAYS` after the festival began."""
FESTIVAL_DAYS = 14
NEXT_DAYS = 7


@dataclass(frozen=True, slots=True)
class RelationSort:
    """A sort of relation. `share`: of all pairs. `yearly`: interactions a year, contact, transfer, gift; `festival`:
    claims and cards of one festival, both directions together. `even`: how evenly they go both ways. `book`: chance of
    each to have the other in the address book. `mutual`: mean number of friends in common.
    """

    share: float
    yearly: tuple[float, float, float]
    festival: tuple[float, float]
    even: float
    book: float
    mutual: float


SORTS = (
    RelationSort(0.10, (90, 14, 6), (5, 3), 8, 0.9, 12),  # kin
    RelationSort(0.25, (45, 7, 3), (5, 2), 6, 0.7, 9),  # friends
    RelationSort(0.25, (25, 2, 0.7), (4, 0.8), 5, 0.4, 13),  # colleagues
    RelationSort(0.25, (3, 0.2, 0.1), (1.5, 0.2), 1.5, 0.25, 4),  # acquaintances
    RelationSort(0.15, (0.3, 0.02, 0.01), (3, 0.3), 0.7, 0.02, 3),  # met in the festival
)
ENDED = 0.2
"""Share of relations that ended at some moment of the year."""


@dataclass(frozen=True, slots=True)
class Histories:
    """n pairs as the ledger would know them, and whether they had to do with each other in the week after: (n,)."""

    ties: TieSums
    met: npt.NDArray[np.bool_]


def histories(seed: int, pairs: int) -> Histories:
    """The histories of that seed."""
    draw = np.random.default_rng(seed)
    sort = draw.choice(len(SORTS), pairs, p=[each.share for each in SORTS])
    # Of one sort, some are closer than others.
    close = draw.lognormal(-0.18, 0.6, pairs)
    yearly = np.array([each.yearly for each in SORTS])[sort] * close[:, None]
    festival = np.array([each.festival for each in SORTS])[sort] * np.sqrt(close)[:, None]
    even = np.array([each.even for each in SORTS])[sort]
    forth = draw.beta(even, even)
    age_d = np.where(sort == len(SORTS) - 1, FESTIVAL_DAYS, draw.uniform(30, 365, pairs))
    ended_d = np.where(draw.random(pairs) < ENDED, draw.uniform(0, age_d), 0.0)

    sums = np.zeros((pairs, 2 * len(KINDS)))
    for kind in range(len(KINDS)):
        is_festival = kind in FESTIVAL
        since_d = np.full(pairs, float(FESTIVAL_DAYS)) if is_festival else age_d
        until_d = np.zeros(pairs) if is_festival else ended_d
        rate = festival[:, FESTIVAL.index(kind)] / FESTIVAL_DAYS if is_festival else yearly[:, kind] / 365
        for back, part in enumerate((forth, 1 - forth)):
            sums[:, kind + back * len(KINDS)] = _summed(draw, kind, rate * part, since_d, until_d)
    book = draw.binomial(2, np.array([each.book for each in SORTS])[sort]).astype(np.int64)
    mutual = draw.poisson(np.array([each.mutual for each in SORTS])[sort] * draw.gamma(2, 0.5, pairs)).astype(np.int64)
    lively = np.where(ended_d > 0, 0.02, 1.0) * yearly.sum(axis=1) * NEXT_DAYS / 365
    return Histories(TieSums(sums, book, mutual), np.asarray(draw.poisson(lively) > 0))


def _summed(
    draw: np.random.Generator, kind: int, daily: npt.NDArray[np.float64], since_d: npt.NDArray[np.float64],
    until_d: npt.NDArray[np.float64],
) -> npt.NDArray[np.float64]:  # fmt: skip
    """The decayed counter of each pair, as the ledger keeps it, of interactions between two days ago and then."""
    counts = draw.poisson(daily * (since_d - until_d))
    who = np.repeat(np.arange(len(counts)), counts)
    ago_us = draw.uniform(until_d[who], since_d[who]) * DAY_US
    weight = np.exp2((NOW_US - ago_us - LANDMARK_US) / HALF_LIVES_US[kind])
    return np.bincount(who, weight, minlength=len(counts)).astype(np.float64)
