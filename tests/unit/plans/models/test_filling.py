"""Places in a request's texts: of the environment, of a row, and plain dollars."""

from __future__ import annotations

from typing import Any

import pytest

from plans.models.filling import filled, of_environment, of_row


@pytest.mark.parametrize(
    ("value", "said"),
    [
        pytest.param("Bearer ${KEY}", "Bearer k", id="of the environment"),
        pytest.param("$user is $age", "ann is 7", id="of the row, as text"),
        pytest.param("$age", 7, id="alone it keeps what the row holds"),
        pytest.param({"a": ["$age", "$user"]}, {"a": [7, "ann"]}, id="deep inside"),
        pytest.param("5$$ or $5", "5$ or $5", id="a dollar is a dollar"),
        pytest.param(12, 12, id="a number is no text"),
    ],
)
def test_each_place_is_filled_in(value: Any, said: Any) -> None:
    assert filled(value, {"KEY": "k"}, {"user": "ann", "age": 7}) == said


def test_a_name_that_nobody_has_is_an_error() -> None:
    with pytest.raises(KeyError, match="KEY"):
        filled("${KEY}", {}, {})
    with pytest.raises(KeyError, match="user"):
        filled("a $user", {}, {})


def test_names_are_found_once_and_apart() -> None:
    value = {"$a": ["${B}", "$a ${B} $$c"]}
    assert of_row(value) == ["a"]
    assert of_environment(value) == ["B"]
