"""Item *live sum*: what is compared after the run."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.errors import HarnessError
from harness.guard.precheck import StartRequest
from tests.support.start_request import of


def failing() -> str:
    raise HarnessError("the checksum ended with 5: no PostgreSQL")


@pytest.mark.parametrize(
    ("sum_live", "state", "says"),
    [
        pytest.param(lambda: "12 tables, checksum ab", "good", "12 tables, checksum ab", id="read"),
        pytest.param(lambda: "", "not_evaluated", "the stores are out of reach", id="elsewhere"),
        pytest.param(None, "not_evaluated", "the run is on the live lane", id="live"),
        pytest.param(failing, "refused", "the checksum ended with 5: no PostgreSQL", id="it cannot be read"),
    ],
)
def test_what_is_known_of_the_live_lane(whole: StartRequest, sum_live: object, state: str, says: str) -> None:
    (found,) = of("live sum", replace(whole, sum_live=sum_live))  # type: ignore[arg-type]
    assert (found.state, found.says) == (state, says)
