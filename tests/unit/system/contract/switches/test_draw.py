"""The draw's switches: a percentage that would stop the schedule for good is refused, a delay has an end."""

from __future__ import annotations

import pytest

from system.contract.errors import BadRequest
from system.contract.switches import checked, defaults, has_lane
from system.contract.switches.draw import SWITCHES


def test_what_they_are_at_first_changes_nothing() -> None:
    mine = {switch.key for switch in SWITCHES}
    assert {key: value for key, value in defaults().items() if key in mine} == {
        "draw.award": 1, "draw.shed_percent": 0, "draw.delay_ms": 0, "draw.release_percent": 100,
    }  # fmt: skip
    assert all(has_lane(key) for key in mine)
    assert {switch.readers for switch in SWITCHES} == {("front",)}


@pytest.mark.parametrize(
    ("key", "value"),
    [("draw.award", 2), ("draw.shed_percent", 101), ("draw.delay_ms", 5001), ("draw.release_percent", 0)],
)
def test_out_of_range(key: str, value: int) -> None:
    with pytest.raises(BadRequest, match=f"{key} = '{value}'; expected a whole number from "):
        checked(key, value)
