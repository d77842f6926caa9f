"""Places in the texts of a request: `${NAME}` is of the environment, `$name` of a row of data, `$$` a plain $. Pure.

A secret stands in the environment alone, so a plan, its lock and its report hold `${NAME}` and never what it says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

PLACE = re.compile(r"\$(?:\{(?P<env>[A-Za-z_][A-Za-z0-9_]*)\}|(?P<row>[A-Za-z_][A-Za-z0-9_]*)|(?P<dollar>\$))")
TOKEN = "token"
"""`$token`: what the login's answer gave."""


def texts(value: Any) -> Iterator[str]:
    """Every text in a value as JSON has it, keys too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield str(key)
            yield from texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from texts(item)


def of_environment(value: Any) -> list[str]:
    """The names of the environment that the texts of a value need, each once."""
    return _named(value, "env")


def of_row(value: Any) -> list[str]:
    """The columns that the texts of a value need, `token` among them, each once."""
    return _named(value, "row")


def _named(value: Any, group: str) -> list[str]:
    found = (place[group] for text in texts(value) for place in PLACE.finditer(text))
    return list(dict.fromkeys(name for name in found if name))


def filled(value: Any, environment: Mapping[str, str], row: Mapping[str, Any]) -> Any:
    """The value with every place filled in. A text that is one place of a row alone becomes what the row holds there,
    so that numbers of JSON lines stay numbers. Raises KeyError for a name that neither has.
    """
    if isinstance(value, str):
        alone = PLACE.fullmatch(value)
        if alone is not None and alone["row"]:
            return row[alone["row"]]
        return PLACE.sub(lambda place: _said(place, environment, row), value)
    if isinstance(value, Mapping):
        return {key: filled(item, environment, row) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [filled(item, environment, row) for item in value]
    return value


def _said(place: re.Match[str], environment: Mapping[str, str], row: Mapping[str, Any]) -> str:
    if place["dollar"]:
        return "$"
    return environment[place["env"]] if place["env"] else str(row[place["row"]])
