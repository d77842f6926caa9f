"""Strength: the formula by hand, terms that add up exactly, a festival that makes no strong tie, weights that fit."""

from __future__ import annotations

import dataclasses
import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from system.contract.errors import SettingsError
from system.ledger.interactions import HALF_LIVES_US, KINDS, LANDMARK_US
from system.play.ties.fitting import HELD_OUT, PAIRS, SEED, auc, quality, slope
from system.play.ties.histories import NOW_US, histories
from system.play.ties.models import TERMS as SHOWN_TERMS
from system.play.ties.strength import (
    FOLDER,
    FULL,
    MUTUAL_MAX,
    STRONG,
    TERMS,
    TieSums,
    Weights,
    shares,
    strengths,
    weights,
)

DAY_US = 86_400_000_000
NOW = LANDMARK_US + 300 * DAY_US


def sums(*passed: tuple[str, int, int, float]) -> list[float]:
    """The ledger's counters of (kind, times, direction, days ago)."""
    found = [0.0] * 10
    for kind, times, back, ago_d in passed:
        k = KINDS.index(kind)
        found[k + 5 * back] += times * 2 ** ((NOW - ago_d * DAY_US - LANDMARK_US) / HALF_LIVES_US[k])
    return found


def one(*passed: tuple[str, int, int, float], book: int = 0, mutual: int = 0) -> TieSums:
    return TieSums(np.array([sums(*passed)]), np.array([book]), np.array([mutual]))


def score(ties: TieSums) -> int:
    return int(strengths(weights(), ties, NOW).scores[0])


def test_the_formula_by_hand() -> None:
    """Eight contacts 30 days ago are worth four; two transfers there and one back, now; three friends in common."""
    w = dict(zip(TERMS, weights().terms, strict=True))
    ties = one(
        ("contact", 8, 0, 30), ("transfer", 2, 0, 0), ("transfer", 1, 1, 0), ("claim", 1, 1, 7), book=2, mutual=3
    )
    exponent = weights().bias + w["contact"] * math.log1p(4) + w["transfer"] * math.log1p(3)
    exponent += w["claim"] * math.log1p(0.5) + w["book"] * 2 + w["reciprocity"] * (1 / 6) + w["mutual"] * math.log1p(3)
    assert score(ties) == round(FULL / (1 + math.exp(-exponent)))


def test_a_tie_is_the_same_from_both_sides() -> None:
    there = one(("contact", 8, 0, 3), ("gift", 2, 1, 9), book=1)
    back = one(("contact", 8, 1, 3), ("gift", 2, 0, 9), book=1)
    assert score(there) == score(back)


@given(
    st.lists(st.floats(0, 1e5), min_size=10, max_size=10), st.integers(0, 2), st.integers(0, 10**6),
)  # fmt: skip
def test_the_terms_add_up_to_the_score_exactly(counters: list[float], book: int, mutual: int) -> None:
    scale = 2 ** ((NOW - LANDMARK_US) / np.array(HALF_LIVES_US * 2))
    made = strengths(weights(), TieSums(np.array([counters]) * scale, np.array([book]), np.array([mutual])), NOW)
    parts = shares(made, 0)
    assert made.base + sum(parts) == made.scores[0]
    assert min(parts) >= 0
    assert 0 <= made.scores[0] <= FULL
    assert len(parts) == len(TERMS)


def test_a_term_that_is_not_there_adds_nothing() -> None:
    made = strengths(weights(), one(("contact", 5, 0, 0)), NOW)
    assert [name for name, part in zip(TERMS, shares(made, 0), strict=True) if part] == ["contact"]
    nothing = strengths(weights(), one(), NOW)
    assert (nothing.scores[0], shares(nothing, 0)) == (nothing.base, (0,) * len(TERMS))


def test_a_festival_alone_makes_no_strong_tie() -> None:
    """However many claims and cards went both ways, and however many friends in common the festival brought."""
    wild = one(*((kind, 10**6, back, 0) for kind in ("claim", "card") for back in (0, 1)), mutual=MUTUAL_MAX * 10)
    assert score(wild) < STRONG
    capped = strengths(weights(), wild, NOW).exponents[0]
    assert capped[3] + capped[4] == pytest.approx(weights().festival_cap)
    # Everyday dealings do, without any festival.
    assert score(one(("contact", 10, 0, 1), ("contact", 8, 1, 1), ("transfer", 2, 0, 9))) > STRONG


def test_weights_that_would_let_a_festival_do_so_are_refused() -> None:
    sound = weights()
    with pytest.raises(SettingsError, match="a festival alone makes a strong tie; expected less than 2"):
        dataclasses.replace(sound, festival_cap=4.0)
    with pytest.raises(SettingsError, match="none below 0"):
        Weights(1, -3.0, (-0.1,) * 8, 0.5)
    with pytest.raises(SettingsError, match=r"99\.json:1: no weights"):
        weights(99)


def test_what_is_shown_has_the_names_of_the_formula() -> None:
    assert SHOWN_TERMS == TERMS


def test_the_committed_weights_are_the_optimum_of_their_data() -> None:
    """A logistic regression has one optimum; there the likelihood has no slope. Any other weights have one."""
    made = histories(SEED, PAIRS)
    assert slope(weights(), made) < 1e-5
    moved = [*weights().terms]
    moved[0] += 0.05
    assert slope(dataclasses.replace(weights(), terms=tuple(moved)), made) > 1e-3


def test_the_quality_that_is_stated_is_that_of_the_weights() -> None:
    stated = json.loads((FOLDER / "1.fit.json").read_text())
    found = quality(weights(), histories(HELD_OUT, PAIRS))
    assert {key: stated[key] for key in ("auc", "brier", "calibration_error")} == pytest.approx(
        {key: found[key] for key in ("auc", "brier", "calibration_error")}, abs=2e-4
    )
    assert found["auc"] > 0.85
    assert found["calibration_error"] < 0.03
    assert [row["pairs"] for row in stated["calibration"]] == [row["pairs"] for row in found["calibration"]]


def test_the_same_seed_the_same_histories() -> None:
    first, again, other = (histories(seed, 500) for seed in (3, 3, 4))
    assert (first.ties.sums == again.ties.sums).all()
    assert (first.met == again.met).all()
    assert not np.array_equal(first.ties.sums, other.ties.sums)
    assert NOW_US > LANDMARK_US


@pytest.mark.parametrize(
    ("scores", "met", "expected"),
    [
        pytest.param([0.1, 0.2, 0.8, 0.9], [0, 0, 1, 1], 1.0, id="told apart"),
        pytest.param([0.9, 0.8, 0.2, 0.1], [0, 0, 1, 1], 0.0, id="the wrong way round"),
        pytest.param([0.5, 0.5, 0.5, 0.5], [0, 1, 0, 1], 0.5, id="all alike"),
        pytest.param([0.1, 0.5, 0.5, 0.9], [0, 0, 1, 1], 0.875, id="one of four pairs is a draw"),
    ],
)
def test_auc(scores: list[float], met: list[int], expected: float) -> None:
    assert auc(np.array(scores), np.array(met, dtype=bool)) == expected
