"""The colour of a window: no data is never green, and what the generator did is not the system's fault."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from harness.guard.green import Colour, Why, WindowBounds, WindowFigures, grade

GOOD = WindowFigures(span_s=5.0, planned=5000, reached=5000, late=0, answered=4995, errors=0, slow=0, waiting=5)
BOUNDS = WindowBounds(response_s=0.05)


@pytest.mark.parametrize(
    ("changes", "colour", "why"),
    [
        pytest.param({}, "green", "green", id="all is well"),
        pytest.param({"slow": 49}, "green", "green", id="one in a hundred may be slow"),
        pytest.param({"slow": 50}, "red", "slow", id="more may not"),
        pytest.param({"errors": 1}, "red", "errors", id="an error more than promised"),
        pytest.param({"waiting": 100}, "green", "green", id="as many wait as two objectives take"),
        pytest.param({"waiting": 101}, "red", "queue", id="a queue that grows"),
        pytest.param({"answered": 0, "waiting": 5000}, "red", "queue", id="a system that answers nothing"),
        pytest.param({"late": 50}, "green", "green", id="one in a hundred may be late"),
        pytest.param({"late": 51, "slow": 4995}, "unclear", "late", id="slow because the generator was late"),
        pytest.param({"late": 5000, "errors": 7}, "red", "errors", id="an error is one, however late"),
        pytest.param({"reached": 4949}, "unclear", "behind", id="less than was planned"),
        pytest.param({"fresh": False}, "unclear", "stale", id="a worker says nothing any more"),
        pytest.param({"fresh": False, "errors": 9}, "unclear", "stale", id="old figures say nothing either way"),
        pytest.param({"planned": 0}, "unclear", "stale", id="nothing was planned in the time seen"),
        pytest.param({"span_s": 0.0}, "unclear", "stale", id="no time was seen"),
    ],
)
def test_a_window_s_colour(changes: dict[str, float], colour: Colour, why: Why) -> None:
    found = grade(replace(GOOD, **changes), BOUNDS)
    assert (found.colour, found.why) == (colour, why)


@pytest.mark.parametrize(
    ("window", "colour", "why"),
    [
        pytest.param((1, 1, 0, 1, 0, 0, 0), "green", "green", id="the one request, answered in time"),
        pytest.param((1, 1, 0, 1, 0, 1, 0), "red", "slow", id="too late"),
        pytest.param((1, 1, 0, 1, 1, 0, 0), "red", "errors", id="wrongly"),
        pytest.param((1, 1, 0, 0, 0, 0, 1), "unclear", "unanswered", id="not at all"),
        pytest.param((1, 1, 1, 1, 0, 0, 0), "unclear", "late", id="sent late"),
        pytest.param((1, 0, 0, 0, 0, 0, 0), "unclear", "unanswered", id="not sent"),
    ],
)
def test_one_request_is_enough_to_be_graded(window: tuple[int, ...], colour: Colour, why: Why) -> None:
    found = grade(WindowFigures(5.0, *window), BOUNDS)
    assert (found.colour, found.why) == (colour, why)


@pytest.mark.parametrize(
    ("errors", "share", "colour"),
    [
        pytest.param(5, 0.001, "green", id="as many as promised"),
        pytest.param(6, 0.001, "red", id="one more"),
        pytest.param(0, 0.0, "green", id="none was promised, and none came"),
        pytest.param(1, 0.0, "red", id="none was promised"),
    ],
)
def test_errors_may_be_promised_as_a_share(errors: int, share: float, colour: Colour) -> None:
    assert grade(replace(GOOD, errors=errors), WindowBounds(0.05, error_share=share)).colour == colour


@pytest.mark.parametrize(
    ("apart", "colour", "why"),
    [
        pytest.param(((1, 100),), "green", "green", id="one in a hundred of its own"),
        pytest.param(((0, 4000), (2, 100)), "red", "slow", id="few of all, but too many of one request"),
        pytest.param(((0, 0),), "green", "green", id="it was not asked"),
    ],
)
def test_a_request_keeps_a_bound_of_its_own(apart: tuple[tuple[int, int], ...], colour: Colour, why: Why) -> None:
    found = grade(replace(GOOD, apart=apart), BOUNDS)
    assert (found.colour, found.why) == (colour, why)


def test_green_needs_everything() -> None:
    """Of all windows of a few requests, those that are green kept every bound."""
    for planned, reached, late, answered, errors, slow, waiting in product(range(3), repeat=7):
        window = WindowFigures(1.0, planned, reached, late, answered, errors, slow, waiting)
        if grade(window, BOUNDS).colour == "green":
            assert planned
            assert answered
            assert not errors
            assert not slow
            assert not late
            assert waiting <= answered
            assert grade(replace(window, fresh=False), BOUNDS).colour == "unclear"


def test_errors_that_a_plan_allows_are_no_fault() -> None:
    assert grade(replace(GOOD, errors=3), replace(BOUNDS, errors=3)).colour == "green"


@pytest.mark.parametrize("wrong", [pytest.param({"response_s": 0.0}, id="no time"), {"response_s": 1.0, "errors": -1}])
def test_bounds_that_nothing_can_keep_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="bounds of"):
        WindowBounds(**wrong)  # type: ignore[arg-type]
