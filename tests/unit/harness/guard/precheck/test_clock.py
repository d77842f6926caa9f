"""Item *clock*: the best of a few reads."""

from __future__ import annotations

import pytest

from harness.guard.precheck import StartRequest
from tests.support.start_request import control, of, states


@pytest.mark.parametrize(
    ("ahead_ms", "state"),
    [
        pytest.param(0.0, "good", id="the same"),
        pytest.param(30.0, "good", id="a little ahead"),
        pytest.param(60.0, "refused", id="ahead"),
        pytest.param(-60.0, "refused", id="behind"),
    ],
)
def test_how_far_control_s_clock_may_be(whole: StartRequest, ahead_ms: float, state: str) -> None:
    assert states(of("clock", control(whole, ahead_ms=ahead_ms))) == {state}


def test_a_clock_that_is_not_known_is_no_clock(whole: StartRequest) -> None:
    (found,) = of("clock", control(whole, away=True))
    assert (found.state, found.says) == ("refused", "control is away")
