"""Calibration says in words what is played."""

from __future__ import annotations

from fractions import Fraction

import pytest

from harness.orchestrate.calibrate import Calibration, _carried, describe, safe_part
from tests.support.sample_run import sample_lock


@pytest.mark.parametrize(
    ("part", "begins"),
    [(Fraction(1, 2), "50% of the natural share"), (Fraction(1), "the forecast's natural share")],
)
def test_calibration_says_why(part: Fraction, begins: str) -> None:
    assert describe(Calibration(100.0, 135.0, part, None), sample_lock().share()).startswith(begins)


def test_a_plan_that_wants_half_of_what_is_safe_says_so() -> None:
    half = Calibration(100.0, 135.0, Fraction(3, 8), None, 0.5)
    assert describe(half, sample_lock().share()).startswith("37.5% of the natural share, which is 50% of what is safe")


@pytest.mark.parametrize(
    ("carried", "part"),
    [(40_000.0, "1/20"), (200_000.0, "1/20"), (2_000_000.0, "17/20"), (9_000_000.0, "1")],
)
def test_what_is_safe_comes_in_twentieths(carried: float, part: str) -> None:
    assert safe_part(carried, 2_000_000.0) == Fraction(part)


@pytest.mark.parametrize(
    ("seen", "rate"),
    [
        pytest.param([], 0.0, id="nothing seen"),
        pytest.param([(0.5, 9), (1.0, 100), (2.0, 300)], 200.0, id="the first second is left out"),
        pytest.param([(1.0, 100), (2.0, 300), (3.0, 300)], 200.0, id="a standstill at the end is left out"),
    ],
)
def test_what_was_carried(seen: list[tuple[float, int]], rate: float) -> None:
    assert _carried(seen, 0.0) == rate
