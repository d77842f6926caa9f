"""The red button's switch: one value for all, and its red value holds before it is written down."""

from __future__ import annotations

import pytest

from system.contract.errors import BadRequest
from system.contract.switches import has_lane, is_red, lanes_of
from system.contract.switches.stress import SWITCHES


def test_only_its_stop_is_red() -> None:
    (switch,) = SWITCHES
    assert (switch.key, switch.default, switch.readers) == ("stress.accept", 1, ("front",))
    assert is_red(switch.key, 0)
    assert not is_red(switch.key, 1)


def test_it_has_no_lane() -> None:
    assert not has_lane("stress.accept")
    with pytest.raises(BadRequest, match=r"stress\.accept has no lane, not stress either"):
        lanes_of("stress.accept", "stress")
