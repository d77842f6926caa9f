"""A signal that no rule could be read by is refused where it is declared, not while a run goes on."""

from __future__ import annotations

from typing import Any

import pytest

from plans.signals import SIGNALS
from plans.signals.shape import Signal

SOUND = SIGNALS["pending_awards"]


@pytest.mark.parametrize(
    ("more", "says"),
    [
        pytest.param({"unit": "shares"}, "unit shares is none of share, time, age, count", id="a unit there is not"),
        pytest.param({"name": "a b"}, "its name is small letters", id="a name that no plan can write"),
        pytest.param({"name": ""}, "its name is small letters", id="no name"),
        pytest.param({"says": ""}, "it does not say what it is", id="no words"),
        pytest.param({"read": 3}, "its `read` cannot be called", id="nothing that reads"),
        pytest.param(
            {"needs": ("pending",)}, "its `needs` is a tuple, some of oldest_age_s", id="a level there is not"
        ),
        pytest.param({"needs": "pending_awards"}, "its `needs` is a tuple", id="a text for a tuple"),
    ],
)
def test_a_declaration_that_nothing_can_read_is_refused(more: dict[str, Any], says: str) -> None:
    whole = {name: getattr(SOUND, name) for name in Signal.__slots__}
    assert Signal(**whole) == SOUND
    with pytest.raises(ValueError, match=r"^signal ") as told:
        Signal(**(whole | more))
    assert says in str(told.value)
