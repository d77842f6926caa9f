"""Paired ratios: the middle, how sure it is, and a bench that reports them."""

from __future__ import annotations

import random

import pytest

from harness.bench.common import Report
from harness.bench.paired import middle


def pairs(ratios: list[float]) -> list[tuple[float, float]]:
    """Pairs of anchors that wander widely, as a busy machine makes them."""
    return [
        (ratio * anchor, anchor) for ratio, anchor in zip(ratios, (10.0 ** (k % 5) for k in range(99)), strict=False)
    ]


@pytest.mark.parametrize(
    ("number", "left_out"),
    [
        pytest.param(5, 0, id="too few for any interval: from the least to the largest"),
        pytest.param(6, 0, id="six: the first number that allows one"),
        pytest.param(9, 1, id="nine"),
        pytest.param(20, 5, id="twenty: the 6th and the 15th, as tables of the sign test say"),
        pytest.param(25, 7, id="twenty-five: the 8th and the 18th"),
    ],
)
def test_the_interval_is_that_of_the_sign_test(number: int, left_out: int) -> None:
    ratios = [float(k) for k in range(1, number + 1)]
    random.Random(number).shuffle(ratios)
    found = middle([(ratio, 1.0) for ratio in ratios])
    assert found.interval == (1 + left_out, number - left_out)
    assert (found.ratio, found.pairs) == ((number + 1) / 2, number)


def test_one_pair_in_three_that_a_busy_machine_spoilt_moves_the_middle_little() -> None:
    spoilt = [0.99 + 0.0001 * (k % 7) if k % 3 else 0.99 * (2 if k % 2 else 0.5) for k in range(60)]
    found = middle(pairs(spoilt))
    assert found.interval[0] <= 0.9903 <= found.interval[1]
    assert found.interval[1] - found.interval[0] < 0.01


def test_a_report_of_pairs_has_their_middle_and_not_the_ratio_of_two_medians() -> None:
    samples = ((1.0, 2.0), (30.0, 50.0), (7.0, 10.0))
    document = Report("x", "y/s", "z", samples, paired=True).document()
    assert (document["ratio"], document["interval"], document["pairs"]) == (0.6, [0.5, 0.7], 3)
    plain = Report("x", "y/s", "z", samples).document()
    assert plain["ratio"] == 0.7
    assert "interval" not in plain
