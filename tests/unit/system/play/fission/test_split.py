"""Splitting a share: the exact sum, at least 1 fen each, an order that nobody knows, no place that is worth more."""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from math import comb
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from system.play.fission.split import gaps_of, parts_of, split_key

SECRET = bytes(range(64))


@settings(max_examples=60, deadline=None)
@given(key=st.binary(min_size=32, max_size=32), parts=st.integers(1, 1000), more=st.integers(0, 1 << 30))
def test_sum_minimum_and_permutation(key: bytes, parts: int, more: int) -> None:
    amounts = parts_of(parts + more, parts, key)
    assert (len(amounts), sum(amounts)) == (parts, parts + more)
    assert min(amounts) >= 1
    assert amounts == parts_of(parts + more, parts, key)
    assert Counter(amounts) == Counter(gaps_of(parts + more, parts, key)), "a permutation of what was cut, nothing else"


@pytest.mark.parametrize(
    ("fen", "parts", "amounts"),
    [
        pytest.param(1, 1, [1], id="one fen, one part"),
        pytest.param(7, 7, [1] * 7, id="as many parts as fen: one fen each"),
        pytest.param(500, 1, [500], id="one part holds everything"),
    ],
)
def test_small_ones(fen: int, parts: int, amounts: list[int]) -> None:
    assert parts_of(fen, parts, bytes(32)) == amounts


def test_fewer_fen_than_parts() -> None:
    with pytest.raises(ValueError, match="6 fen in 7 parts"):
        parts_of(6, 7, bytes(32))


def test_the_amounts_are_a_share_s_own_not_the_order_alone() -> None:
    """1,000 fen in 4 parts: whoever has seen one share of a round knows nothing of the parts of another."""
    seen = {tuple(sorted(parts_of(1000, 4, split_key(SECRET, "live", f"1-{k}")))) for k in range(200)}
    assert len(seen) == 200


def test_every_way_to_split_comes_as_often() -> None:
    """6 fen in 3 parts: the 10 compositions, each 300 times of 3,000; chi-square below its 1 in 100,000."""
    counts = Counter(tuple(parts_of(6, 3, split_key(SECRET, "live", f"1-{k}"))) for k in range(3000))
    assert len(counts) == 10
    assert sum((n - 300) ** 2 / 300 for n in counts.values()) < 39.0


def test_the_same_award_is_split_the_same_and_each_lane_its_own_way() -> None:
    live, stress, other = split_key(SECRET, "live", "1-2"), split_key(SECRET, "stress", "1-2"), bytes(32)
    assert parts_of(1000, 20, live) == parts_of(1000, 20, live)
    assert len({tuple(parts_of(1000, 20, key)) for key in (live, stress, other)}) == 3


@pytest.mark.parametrize("parts", [2, 5, 10])
def test_no_place_is_worth_more(parts: int) -> None:
    """1,500 shares: whoever claims first, or last, has the same luck. The keys are fixed, and so is the result."""
    shares = 1500
    table = np.array([parts_of(2000, parts, split_key(SECRET, "live", f"1-{k}")) for k in range(shares)])
    # Which place holds the largest part: chi-square far below its 1 in 100,000.
    first = np.bincount(_places_of_one_largest(table), minlength=parts)
    assert float(((first - shares / parts) ** 2 / (shares / parts)).sum()) < {2: 19.6, 5: 28.5, 10: 39.0}[parts]
    # The mean of each place: within 4.5 standard errors of the share's mean.
    error = table.std() / np.sqrt(shares)
    assert np.abs(table.mean(axis=0) - 2000 / parts).max() < 4.5 * error
    # Who comes next has no luck that the one before tells of, beyond what is drawn without being put back.
    together = np.corrcoef(table[:, 0], table[:, 1])[0, 1]
    assert together == pytest.approx(-1 / (parts - 1), abs=4.5 / np.sqrt(shares))


@pytest.mark.parametrize("parts", [2, 4, 7])
def test_each_place_holds_what_every_other_does(parts: int) -> None:
    """The k-th to claim, whichever k: of each amount as many as the ways to split say, the same law for all places.

    2,000 shares of 60 fen, of all ways to split each as likely: a part is `a` with (60-a-1 over parts-2) of them. The
    keys are fixed, and so is the result; chi-square below its 1 in 100,000 of each place, bins of 25 shares at least.
    Of two places each has more as often: within 4.5 standard errors.
    """
    shares, fen = 2000, 60
    table = np.array([parts_of(fen, parts, split_key(SECRET, "live", f"9-{k}")) for k in range(shares)])
    law = np.array([comb(fen - a - 1, parts - 2) / comb(fen - 1, parts - 1) for a in range(1, fen - parts + 2)])
    bins = bins_of(law * shares, least=25)
    expected = np.bincount(bins, weights=law * shares)
    for place in range(parts):
        found = np.bincount(bins[table[:, place] - 1], minlength=len(expected))
        off = float(((found - expected) ** 2 / expected).sum())
        assert off < chi_square(1e-5, len(expected) - 1), f"place {place + 1} of {parts}"
    for early, late in combinations(range(parts), 2):
        more, less = (int((table[:, a] > table[:, b]).sum()) for a, b in ((early, late), (late, early)))
        assert abs(more - less) < 4.5 * (more + less) ** 0.5, f"place {early + 1} against {late + 1} of {parts}"


def test_neither_the_cuts_nor_their_order_alone_decide() -> None:
    """A splitter that sorts what it cut, or gives the first who comes a fen more, is seen by the same figures."""
    table = np.array([sorted(parts_of(60, 4, split_key(SECRET, "live", f"9-{k}"))) for k in range(400)])
    assert np.abs(table.mean(axis=0) - 15).max() > 4.5 * table.std() / np.sqrt(400)


def chi_square(chance: float, freedom: int) -> float:
    """What chi-square exceeds with that chance; by Wilson and Hilferty, good to a few per mille for 10 and more."""
    spread = 2 / (9 * freedom)
    return float(freedom * (1 - spread + NormalDist().inv_cdf(1 - chance) * spread**0.5) ** 3)


def bins_of(expected: np.ndarray, least: float) -> np.ndarray:
    """The bin of each amount, neighbours together until so many are expected in each."""
    bins, full, number = np.zeros(len(expected), np.int64), 0.0, 0
    for place, count in enumerate(expected):
        bins[place], full = number, full + count
        if full >= least:
            number, full = number + 1, 0.0
    return np.minimum(bins, number - 1)


def _places_of_one_largest(table: np.ndarray) -> np.ndarray:
    """Where the largest part is; where several are, one of them, each as often."""
    luck = np.random.default_rng(2016).random(table.shape)
    largest = table == table.max(axis=1, keepdims=True)
    return np.argmax(np.where(largest, luck, -1.0), axis=1)
