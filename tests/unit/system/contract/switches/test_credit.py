"""The credit worker's switches: read by it alone, and a batch is never empty."""

from __future__ import annotations

import pytest

from system.contract.errors import BadRequest
from system.contract.switches import checked, defaults, has_lane
from system.contract.switches.credit import SWITCHES


def test_what_they_are_at_first_lets_it_post() -> None:
    mine = {switch.key for switch in SWITCHES}
    assert {key: value for key, value in defaults().items() if key in mine} == {
        "credit.pause": 0, "credit.batch_max": 50_000,
    }  # fmt: skip
    assert all(has_lane(key) for key in mine)
    assert {switch.readers for switch in SWITCHES} == {("credit",)}


@pytest.mark.parametrize(
    ("key", "value"), [("credit.batch_max", 0), ("credit.batch_max", 1_000_001), ("credit.pause", 2)]
)
def test_out_of_range(key: str, value: int) -> None:
    with pytest.raises(BadRequest, match=f"{key} = '{value}'; expected a whole number from "):
        checked(key, value)
