"""Calibration says in words what is played."""

from __future__ import annotations

from fractions import Fraction

import pytest

from harness.orchestrate.calibrate import Calibration, _carried, describe
from tests.support.sample_run import sample_lock


@pytest.mark.parametrize(
    ("part", "begins"),
    [(Fraction(1, 2), "50% of the natural share"), (Fraction(1), "the forecast's natural share")],
)
def test_calibration_says_why(part: Fraction, begins: str) -> None:
    assert describe(Calibration(100.0, 135.0, part, None), sample_lock().share()).startswith(begins)


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
