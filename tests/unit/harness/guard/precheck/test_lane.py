"""Item *lane*: which lane a system gets."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.guard.precheck import StartRequest
from system.contract.ids import Lane
from tests.support.start_request import of, states


@pytest.mark.parametrize(
    ("elsewhere", "lane", "state"),
    [
        pytest.param(False, "live", "good", id="our own stack: either"),
        pytest.param(False, "stress", "good", id="our own stack, tagged"),
        pytest.param(True, "stress", "good", id="elsewhere: tagged"),
        pytest.param(True, "live", "refused", id="elsewhere: the public's lane is never loaded"),
    ],
)
def test_who_gets_which_lane(whole: StartRequest, elsewhere: bool, lane: Lane, state: str) -> None:
    assert states(of("lane", replace(whole, elsewhere=elsewhere, lane=lane))) == {state}
