"""Stop rules: each fires at its bound over a full window, and never on too little data."""

from __future__ import annotations

import pytest

from harness.guard.stop import Reading, StopRules
from plans.models.stress import StopAboveCount, StopAboveShare, StopAboveTime, StopRule

ERRORS = StopAboveShare(signal="error_share", above="10%", window="5s", min_samples=100)
P99 = StopAboveTime(signal="response_p99", above="1s", window="2s", min_samples=100)
AGE = StopAboveTime(signal="oldest_award_age", above="60s", window="2s", min_samples=1)
FEN = StopAboveCount(signal="imbalance_fen", above=0)


def readings(count: int, **per_second: int) -> list[Reading]:
    """One reading a second; each named count grows by so much a second."""
    return [Reading(t_s=float(t), **{name: step * t for name, step in per_second.items()}) for t in range(count)]


@pytest.mark.parametrize(
    ("rule", "rows", "fires"),
    [
        pytest.param(ERRORS, readings(8, answered=1000, unknown=101), True, id="a share above its bound"),
        pytest.param(ERRORS, readings(8, answered=1000, unknown=100), False, id="a share at its bound"),
        pytest.param(ERRORS, readings(3, answered=1000, unknown=500), False, id="a window that is not full"),
        pytest.param(ERRORS, readings(8, answered=10, unknown=9), False, id="too few samples"),
        pytest.param(ERRORS, readings(8), False, id="nothing answered says nothing"),
        pytest.param(AGE, [Reading(t, oldest_award_age_s=61.0) for t in (0.0, 1.0, 2.0)], True, id="an old award"),
        pytest.param(AGE, [Reading(t, oldest_award_age_s=None) for t in (0.0, 1.0, 2.0)], False, id="no data"),
        pytest.param(FEN, [Reading(t, imbalance_fen=-1) for t in (0.0, 1.0)], True, id="a fen short is a fen too many"),
        pytest.param(FEN, [Reading(t, imbalance_fen=0) for t in (0.0, 1.0)], False, id="balanced"),
    ],
)
def test_rules(rule: StopRule, rows: list[Reading], fires: bool) -> None:
    rules = StopRules([rule])
    reasons = [rules.feed(row) for row in rows]
    assert (reasons[-1] is not None) is fires


def test_a_percentile_is_of_the_window_alone() -> None:
    rules = StopRules([P99])
    slow_before = [Reading(float(t), answered=1000, response_us=((5_000_000, 1000),)) for t in range(3)]
    fast_now = [
        Reading(3.0 + t, answered=1000 + 500 * (t + 1), response_us=((2_000, 500 * (t + 1)), (5_000_000, 1000)))
        for t in range(3)
    ]
    assert [rules.feed(row) for row in slow_before + fast_now] == [None] * 6
    reason = rules.feed(Reading(6.0, answered=3500, response_us=((2_000, 1500), (5_000_000, 2000))))
    assert reason is not None
    assert reason.startswith("response_p99 5 above 1")


def test_a_window_is_full_with_readings_that_miss_its_edges() -> None:
    rule = StopAboveShare(signal="error_share", above="10%", window="1s", min_samples=100)
    rules = StopRules([rule])
    at = [0.0, 0.51, 1.03, 1.54, 2.06]  # half a second and a little: none lies within a window of one second but one
    reasons = [rules.feed(Reading(t, answered=round(1000 * t), unknown=round(500 * t))) for t in at]
    assert [reason is not None for reason in reasons] == [False, False, True, True, True]
