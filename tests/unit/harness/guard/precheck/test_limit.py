"""Item *limit*: a limit and one more."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.guard.precheck import StartRequest
from tests.support.start_request import entry, of


@pytest.mark.parametrize(
    ("rate", "length", "refused"),
    [
        pytest.param(1000.0, 60.0, set(), id="as much as is granted"),
        pytest.param(999.0, 60.0, {"rate"}, id="one tap a second beyond"),
        pytest.param(1000.0, 59.0, {"duration"}, id="one second beyond"),
        pytest.param(999.0, 59.0, {"rate", "duration"}, id="both"),
    ],
)
def test_a_limit_and_one_more(whole: StartRequest, rate: float, length: float, refused: set[str]) -> None:
    found = of("limit", replace(whole, allowed=entry(whole, rate, length)))
    assert {one.subject for one in found if one.state == "refused"} == refused


def test_this_host_without_an_entry_has_no_limit(whole: StartRequest) -> None:
    (found,) = of("limit", whole)
    assert (found.state, found.says) == ("good", "this host alone, for which the allow-list sets no limit")
