"""Strength of a tie, 0 to 100, and what each term adds to it. Pure: rows and a moment in, numbers out.

Owns the formula: `100·σ(b + Σ w·log1p(c) + w_book·(0|1|2) + w_recip·min/max + w_mutual·log1p(mutual))`. What comes of a
festival (claim, card) is capped together, and says nothing of reciprocity: a festival alone makes no strong tie. Scores
are whole hundredths of a point, so that the terms add up to the score exactly. Source: docs/season.md.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from system.contract.errors import SettingsError
from system.ledger.interactions import HALF_LIVES_US, KINDS, LANDMARK_US

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

TERMS = (*KINDS, "book", "reciprocity", "mutual")
FESTIVAL = tuple(KINDS.index(kind) for kind in ("claim", "card"))
EVERYDAY = tuple(k for k in range(len(KINDS)) if k not in FESTIVAL)
FULL = 10_000
"""Hundredths in the largest score."""
STRONG = FULL // 2
"""From here on a tie is strong: more likely than not, the two will have to do with each other within a week."""
MUTUAL_MAX = 5_000
"""Friends in common beyond this many say nothing more."""
FOLDER = Path(__file__).parent / "weights"
VERSION = 1


@dataclass(frozen=True, slots=True)
class Weights:
    """A version of the weights. `terms`: one for each of TERMS, none below 0. `festival_cap`: most that claim and card
    add to the exponent.
    """

    version: int
    bias: float
    terms: tuple[float, ...]
    festival_cap: float

    def __post_init__(self) -> None:
        if len(self.terms) != len(TERMS) or any(weight < 0 for weight in self.terms):
            raise SettingsError(f"weights: {self.terms}; expected {len(TERMS)} numbers, none below 0")
        mutual = self.terms[TERMS.index("mutual")] * float(np.log1p(MUTUAL_MAX))
        if not self.bias + self.festival_cap + mutual < 0:
            raise SettingsError(
                f"festival_cap={self.festival_cap:g}: a festival alone makes a strong tie; expected less than"
                f" {-self.bias - mutual:g}"
            )


@dataclass(frozen=True, slots=True)
class TieSums:
    """What is known of n ties. `sums`, shape (n, 10): the decayed counters as the ledger keeps them, five kinds from
    lo to hi, then five back. `book`: how many of the two have the other in their address book. Each else (n,).
    """

    sums: Floats
    book: Ints
    mutual: Ints


@dataclass(frozen=True, slots=True)
class Strengths:
    """Of n ties: `scores` (n,), hundredths of a point; `exponents`, (n, terms): what each term adds before σ;
    `values`, (n, terms): what the term was made of.
    """

    scores: Ints
    exponents: Floats
    values: Floats
    base: int


@cache
def weights(version: int = VERSION) -> Weights:
    """The weights of that version. Raises SettingsError."""
    file = FOLDER / f"{version}.json"
    try:
        found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        terms = tuple(float(found["terms"][name]) for name in TERMS)
        return Weights(version, float(found["bias"]), terms, float(found["festival_cap"]))
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise SettingsError(f"{file}:1: no weights ({exc!r}); expected bias, festival_cap, terms") from exc


def decayed(sums: Floats, at_us: int) -> Floats:
    """The counters at that moment, of the same shape."""
    half_lives = np.array(HALF_LIVES_US * 2)
    return np.asarray(sums * np.exp2(-(at_us - LANDMARK_US) / half_lives))


def features(ties: TieSums, at_us: int) -> tuple[Floats, Floats]:
    """(values, features) of the ties, each (n, terms): the value as people read it, and what its weight is for."""
    counters = decayed(ties.sums, at_us)
    forth, back = counters[:, : len(KINDS)], counters[:, len(KINDS) :]
    one, other = forth[:, EVERYDAY].sum(axis=1), back[:, EVERYDAY].sum(axis=1)
    most = np.maximum(one, other)
    reciprocity = np.divide(np.minimum(one, other), most, out=np.zeros(len(most)), where=most > 0)
    mutual = np.minimum(ties.mutual, MUTUAL_MAX).astype(np.float64)
    both = forth + back
    values = np.column_stack((both, ties.book, reciprocity, mutual)).astype(np.float64)
    return values, np.column_stack((np.log1p(both), ties.book, reciprocity, np.log1p(mutual))).astype(np.float64)


def exponents(given: Weights, features_: Floats) -> Floats:
    """What each term adds to the exponent, (n, terms), the festival's capped together in proportion."""
    parts = features_ * np.array(given.terms)
    festival = parts[:, FESTIVAL].sum(axis=1)
    scale = np.divide(given.festival_cap, festival, out=np.ones(len(parts)), where=festival > given.festival_cap)
    parts[:, FESTIVAL] *= scale[:, None]
    return np.asarray(parts)


def chance(exponent: Floats) -> Floats:
    """σ of the exponents."""
    return np.asarray(1 / (1 + np.exp(-exponent)))


def strengths(given: Weights, ties: TieSums, at_us: int) -> Strengths:
    """The scores of the ties at that moment (µs since 1970), and what they are made of."""
    values, found = features(ties, at_us)
    parts = exponents(given, found)
    scores = np.rint(FULL * chance(given.bias + parts.sum(axis=1))).astype(np.int64)
    return Strengths(scores, parts, values, round(FULL * float(chance(np.array([given.bias]))[0])))


def shares(made: Strengths, which: int) -> tuple[int, ...]:
    """What each term adds to the score of one tie, hundredths; with `base` they add up to the score exactly.

    σ is no sum, so what the tie has beyond `base` is shared out in proportion to the exponents, the remainder to the
    largest fractions.
    """
    parts = made.exponents[which]
    beyond, total = int(made.scores[which]) - made.base, float(parts.sum())
    if total <= 0:
        return (0,) * len(parts)
    exact = beyond * parts / total
    whole = np.floor(exact).astype(np.int64)
    short = beyond - int(whole.sum())
    whole[np.argsort(whole - exact, kind="stable")[:short]] += 1
    return tuple(int(share) for share in whole)
