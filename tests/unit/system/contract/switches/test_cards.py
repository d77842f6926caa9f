"""The cards' switch: at first key 1 signs, and a number that no ticket can have is refused."""

from __future__ import annotations

import pytest

from system.contract.errors import BadRequest
from system.contract.switches import checked, defaults, has_lane
from system.contract.switches.cards import SWITCHES
from system.tickets import KEY_MAX


def test_what_they_are_at_first_changes_nothing() -> None:
    mine = {switch.key for switch in SWITCHES}
    assert {key: value for key, value in defaults().items() if key in mine} == {"cards.ticket_key": 1}
    assert all(has_lane(key) for key in mine)
    assert {switch.readers for switch in SWITCHES} == {("front",)}


@pytest.mark.parametrize(
    ("key", "value"),
    [("cards.ticket_key", 0), ("cards.ticket_key", KEY_MAX + 1)],
)
def test_out_of_range(key: str, value: int) -> None:
    with pytest.raises(BadRequest, match=f"{key} = '{value}'; expected a whole number from "):
        checked(key, value)
