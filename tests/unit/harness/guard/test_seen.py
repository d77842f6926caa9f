"""What is seen of a window: two readings as its figures."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from harness.guard.green import WindowFigures
from harness.guard.seen import FRESH_S, figures_of
from plans.signals import Reading

FIRST = Reading(
    5.0, answered=400, unknown=1, refused_by_status={"429": 9}, lag_us=((100, 400),), response_us=((1_000, 400),),
    reached=410, dropped=2, seen_s=(4.9, 5.0),
)  # fmt: skip
NOW = Reading(
    8.0, answered=900, unknown=4, refused_by_status={"429": 90, "503": 5}, lag_us=((100, 895), (20_000, 5)),
    response_us=((1_000, 880), (50_000, 13), (60_000, 7)), reached=930, dropped=10, seen_s=(7.9, 8.0),
)  # fmt: skip


def seen(now: Reading = NOW, first: Reading = FIRST, **more: Any) -> WindowFigures:
    given = {"planned": lambda at_s: int(at_s * 200), "response_s": 0.05, "workers": 2, "now_s": 8.1}
    return figures_of(first, now, **(given | more))


def test_a_window_is_what_came_between_two_readings() -> None:
    assert seen() == WindowFigures(
        span_s=3.0,
        planned=600,
        reached=520,
        late=5,
        answered=500,
        errors=3 + 5 + 8,
        slow=7,
        waiting=20,
        fresh=True,
    )


def test_an_answer_is_slow_whose_bucket_ends_beyond_the_objective() -> None:
    assert seen(response_s=0.0499).slow == 20
    assert seen(response_s=0.06).slow == 0


def test_of_a_request_with_a_bound_of_its_own_its_own_answers_are_seen() -> None:
    before = Reading(5.0, answered=100, response_us=((1_000, 95), (30_000, 5)))
    after = Reading(8.0, answered=160, response_us=((1_000, 150), (30_000, 10)))
    first, now = replace(FIRST, journeys={"order": before}), replace(NOW, journeys={"order": after})
    assert seen(now, first, each={"order": 0.02}).apart == ((5, 60),)
    assert seen(now, FIRST, each={"order": 0.02}).apart == ((10, 160),), "its first answers"
    assert seen(now, first, each={"browse": 0.02}).apart == ((0, 0),), "nobody told of it"


@pytest.mark.parametrize(
    ("times_s", "fresh"),
    [
        pytest.param((8.0 - FRESH_S, 8.0), True, id="both in time"),
        pytest.param((7.99 - FRESH_S, 8.0), False, id="one of them not"),
        pytest.param((8.0,), False, id="one of them never"),
        pytest.param((), False, id="nobody"),
    ],
)
def test_a_worker_that_does_not_report_makes_a_window_stale(times_s: tuple[float, ...], fresh: bool) -> None:
    now = Reading(8.0, answered=900, reached=930, seen_s=times_s)
    assert seen(now, now_s=8.0).fresh is fresh


def test_the_first_window_is_seen_from_the_first_request_on() -> None:
    found = seen(first=Reading(0.0))
    assert (found.span_s, found.planned, found.answered) == (pytest.approx(7.95), 1590, 900)
