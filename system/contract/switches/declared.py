"""What a run-time switch is: typed, within bounds, one value for each lane or one for all, read by named processes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, get_args

from system.contract.numbers import whole_number

Type = Literal["bool", "percent", "ms", "count"]
Scope = Literal["lane", "cell"]
"""The scope for which a switch has separate values."""
READERS = ("front", "credit")
_UNITS: dict[str, str] = {"bool": "on/off", "percent": "percent", "ms": "ms"}
_WORDS = {"on": 1, "off": 0}
LARGEST = 10**18
_KEY = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")


@dataclass(frozen=True, slots=True)
class Switch:
    """An integer setting; `readers` are the processes whose gauge must show it after a change.

    `type`: a bool is 1 (on) or 0 (off); a count says what it `counts`. `scope`: the places for which it has separate
    values; empty: one value for all. `red`: a value that only stops something, the red button's: it holds also where it
    cannot be stored yet. Raises ValueError for a declaration that contradicts itself.
    """

    key: str
    type: Type
    default: int
    lower: int
    upper: int
    readers: tuple[str, ...]
    meaning: str
    counts: str = ""
    scope: tuple[Scope, ...] = ("lane", "cell")
    red: int | None = None

    def __post_init__(self) -> None:
        if not all(type(number) is int and abs(number) <= LARGEST for number in (self.lower, self.upper)):
            raise ValueError(f"switch {self.key}: its bounds are whole numbers of {LARGEST} at most")
        wrong = {
            "its key is small letters, digits and _, with a dot in between": not _KEY.fullmatch(str(self.key)),
            "it does not say what it means": not str(self.meaning).strip(),
            f"its scope is some of {', '.join(get_args(Scope))}, a tuple": not isinstance(self.scope, tuple)
            or not set(self.scope) <= set(get_args(Scope)),
            f"type {self.type} is none of {', '.join(get_args(Type))}": self.type not in get_args(Type),
            "a bool is 0 or 1": self.type == "bool" and (self.lower, self.upper) != (0, 1),
            "a percentage and milliseconds are not below 0": self.type in ("percent", "ms") and self.lower < 0,
            "a count says what it counts, nothing else does": (self.type == "count") != bool(self.counts),
            f"its default {self.default} is out of its range": not self.holds(self.default),
            "a cell has a value of its own within a lane": self.by_cell and not self.by_lane,
            f"its red value {self.red} is out of its range": self.red is not None and not self.holds(self.red),
            "a red value holds in all lanes": self.red is not None and self.by_lane,
            f"its readers are some of {', '.join(READERS)}": not self.readers or not set(self.readers) <= {*READERS},
        }
        for what, is_so in wrong.items():
            if is_so:
                raise ValueError(f"switch {self.key}: {what}")

    @property
    def by_lane(self) -> bool:
        """Each lane has a value of its own."""
        return "lane" in self.scope

    @property
    def by_cell(self) -> bool:
        """A cell may have a value of its own within its lane; one without follows the lane."""
        return "cell" in self.scope

    @property
    def unit(self) -> str:
        """What its number counts."""
        return _UNITS.get(self.type, self.counts)

    @property
    def expected(self) -> str:
        """Its values, in words."""
        return f"a whole number from {self.lower} to {self.upper} {self.unit}"

    def holds(self, value: object) -> bool:
        """Whether it may have this value."""
        return isinstance(value, int) and not isinstance(value, bool) and self.lower <= value <= self.upper

    def read(self, text: str) -> int | str:
        """What a person typed, as its value (`on`, `off` for a bool); the text itself where it is none."""
        if self.type == "bool" and text in _WORDS:
            return _WORDS[text]
        number = whole_number(text.removeprefix("-"), LARGEST)
        return text if number is None else -number if text.startswith("-") else number
