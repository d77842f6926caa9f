"""Parameters of a path or a query: one declaration reads a request and describes itself. Pure.

A parameter that a path names must be there, and what it cannot be is a path that names nothing (404). One of a query
may be left out, stands once, and what it cannot be is a bad request (400). A number outside of its bounds is out of
range (400) in both.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, TypeVar

from aiohttp import web

from system.contract.errors import BadRequest, NotFound, Refused
from system.contract.ids import LANES, PACKET_MAX, ROUND_MAX, Lane
from system.contract.numbers import number_pattern, refused_as, shown, whole_number

T = TypeVar("T")
AWARD_PATTERN = f"^{number_pattern(ROUND_MAX)}-{number_pattern(PACKET_MAX)}$"


class Parameter(ABC, Generic[T]):
    """`name` as in the path or the query, `says` for people. `default`: what a query without it means, unless it is
    `required`.
    """

    name: str
    says: str
    default: T
    required: bool = False

    @abstractmethod
    def read(self, text: str) -> T:
        """The value that a text writes. Raises ValueError with what was expected."""

    @abstractmethod
    def schema(self) -> dict[str, Any]:
        """What a text may be, as JSON Schema; exactly what `read` takes."""

    def refusal(self, text: str, otherwise: type[Refused]) -> type[Refused]:
        """What a text that cannot be read is refused as; `otherwise`: what is right for its place."""
        return otherwise

    @property
    def has_no_default(self) -> bool:
        """Does nothing stand for a query without it?"""
        return self.default is None

    def of(self, request: web.Request) -> T:
        """The request's value. Raises NotFound for a path, BadRequest for a query, OutOfRange for both."""
        if self.name in request.match_info:
            text = request.match_info[self.name]
            try:
                return self.read(text)
            except ValueError as exc:
                raise self.refusal(text, NotFound)(f"{self.name} {shown(text)}: expected {exc}") from exc
        given = request.query.getall(self.name, [])
        if not given:
            if self.required:
                raise BadRequest(f"the query has no {self.name}; expected {self.says}")
            return self.default
        if len(given) > 1:
            raise BadRequest(f"{self.name} stands {len(given)} times; expected it once")
        try:
            return self.read(given[0])
        except ValueError as exc:
            raise self.refusal(given[0], BadRequest)(f"{self.name}={shown(given[0])}; expected {exc}") from exc


@dataclass(frozen=True)
class NumberParameter(Parameter[int]):
    """A whole number from `lower` to `upper`. A default outside of them stands for none."""

    name: str
    says: str
    lower: int
    upper: int
    default: int = 0

    def read(self, text: str) -> int:
        number = whole_number(text, self.upper)
        if number is None or number < self.lower:
            raise ValueError(f"a whole number from {self.lower} to {self.upper}")
        return number

    def refusal(self, text: str, otherwise: type[Refused]) -> type[Refused]:
        return refused_as(text, otherwise)

    @property
    def has_no_default(self) -> bool:
        return not self.lower <= self.default <= self.upper

    def schema(self) -> dict[str, Any]:
        return {"type": "integer", "minimum": self.lower, "maximum": self.upper}


@dataclass(frozen=True)
class TextParameter(Parameter[str | None]):
    """A text of a pattern, which begins with ^ and ends with $."""

    name: str
    says: str
    pattern: str
    default: str | None = None
    required: bool = False

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile(self.pattern.removeprefix("^").removesuffix("$"))

    def read(self, text: str) -> str:
        if not self._pattern.fullmatch(text):
            raise ValueError(self.says)
        return text

    def need(self, request: web.Request) -> str:
        """The request's value, of a path or required of the query: it is there."""
        text = self.of(request)
        assert text is not None, f"{self.name} may be left out"
        return text

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": self.pattern}


@dataclass(frozen=True)
class ChoiceParameter(Parameter[str]):
    """One of a few words, the first where none is given."""

    name: str
    says: str
    words: tuple[str, ...]

    @property
    def default(self) -> str:  # type: ignore[override]
        return self.words[0]

    def read(self, text: str) -> str:
        if text not in self.words:
            raise ValueError(f"one of {', '.join(self.words)}")
        return text

    def schema(self) -> dict[str, Any]:
        return {"enum": list(self.words)}


@dataclass(frozen=True)
class LaneParameter(Parameter[Lane]):
    """The lane that an operator asks about."""

    name: str = "lane"
    says: str = "live or stress"
    default: Lane = "live"

    def read(self, text: str) -> Lane:
        for lane in LANES:
            if text == lane:
                return lane
        raise ValueError(f"one of {', '.join(LANES)}")

    def schema(self) -> dict[str, Any]:
        return {"enum": list(LANES)}


LANE = LaneParameter()


def check_all(request: web.Request, parameters: Iterable[Parameter[Any]]) -> None:
    """Raises NotFound, BadRequest: a parameter that cannot be, or one that nobody declared."""
    names = set()
    for parameter in parameters:
        parameter.of(request)
        names.add(parameter.name)
    for name in request.query:
        if name not in names:
            known = ", ".join(sorted(names - request.match_info.keys())) or "none"
            raise BadRequest(f"the query's {shown(name)} is not known here; expected {known}")
