"""A programme file: the rounds of an evening with their times and packets, and the sponsors with what each puts in.

Money is of the full event: a scale divides packets and money, never times.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta, timezone
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from plans.models.document import read_partly
from plans.models.errors import PlanError
from plans.models.forecast import Id, Source, Words
from plans.models.ids import twins
from plans.models.partial import Contradiction, PlanModel, check, once
from plans.models.quantity import Count, Duration, Money, Scale, Share
from system.contract.fields import SPONSOR_CHARS_MAX

_AT = re.compile(r"([0-2][0-9]):([0-5][0-9])(?::([0-5][0-9]))?")
_ZONE = re.compile(r"([+-])(0[0-9]|1[0-4]):([0-5][0-9])")


def seconds_of_day(value: object) -> int:
    """Seconds after midnight of `20:36` or `20:36:30`; hours up to 29 are of the night after."""
    found = _AT.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError(f"{value!r} is no time of day; expected one such as '20:36' or '24:00:00'")
    hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return hours * 3600 + minutes * 60 + seconds


TimeOfDay = Annotated[
    int,
    BeforeValidator(seconds_of_day),
    WithJsonSchema({"type": "string", "pattern": f"^{_AT.pattern}$", "examples": ["20:36", "24:00:00"]}),
]


def _zone(text: str) -> str:
    if not _ZONE.fullmatch(text):
        raise ValueError(f"{text!r} is no zone; expected its distance from UTC, such as '+08:00'")
    return text


def _some_money(fen: int) -> int:
    if fen < 1:
        raise ValueError("a sponsor without a budget; expected at least one fen")
    return fen


class ProgrammeRound(PlanModel):
    """One round. `closes`: at the end of its window, or already when its last packet is won and paid."""

    id: Id
    title: Words
    at: TimeOfDay = Field(description="Time of day, such as 20:36.")
    lasts: Duration = Field(gt=0)
    packets: Count = Field(ge=1)
    closes: Literal["end", "sold_out"] = "sold_out"
    source: Source

    @property
    def both_titles(self) -> str:
        return f"{self.title.zh} {self.title.en}"


class ProgrammeSponsor(PlanModel):
    """A sponsor of the evening: its whole budget, and the part of it that goes into each of its rounds."""

    id: int = Field(ge=1, lt=1 << 16)
    name: Words
    budget: Annotated[Money, AfterValidator(_some_money)]
    rounds: dict[str, Share] = Field(min_length=1, description="Round id: part of the budget; together 100%.")

    @property
    def both_names(self) -> str:
        """The sponsor's name in the system."""
        return f"{self.name.zh} {self.name.en}"

    @check
    def _short_name(self) -> Iterator[Contradiction]:
        if len(self.both_names) > SPONSOR_CHARS_MAX:
            expected = f"zh and en with a blank between: {SPONSOR_CHARS_MAX} characters at most"
            yield Contradiction(("name",), f"a name of {len(self.both_names)} characters", expected)

    @check
    def _whole(self) -> Iterator[Contradiction]:
        for name, part in self.rounds.items():
            if not part:
                yield Contradiction(("rounds", name), "no part of the budget", "a part, or the round left out")
        total = sum(self.rounds.values())
        if abs(total - 1) > 1e-6:
            yield Contradiction(("rounds",), f"the parts of the budget add up to {total:.4%}", "100%")


class ProgrammeTies(PlanModel):
    """Pairs of users who come to know each other that evening: how many were forecast, and how many it were in 2016."""

    expected: Count = Field(ge=1)
    gained: Count = Field(ge=1)
    source: Source


class Programme(PlanModel):
    """The whole file."""

    kind: Literal["programme"]
    id: Id
    title: Words
    about: str = ""
    scale: Scale = Field(description="The share that is natural for one machine.")
    scale_source: Source
    zone: Annotated[str, AfterValidator(_zone)] = Field(description="Of the times of day: distance from UTC.")
    arm_ahead: Duration = Field(gt=0, description="How long before its start a round is armed.")
    rounds: tuple[ProgrammeRound, ...] = Field(min_length=1, max_length=100)
    sponsors: tuple[ProgrammeSponsor, ...] = Field(min_length=1)
    sponsors_source: Source
    ties: ProgrammeTies | None = Field(default=None, description="Of the full event; shown beside what was gained.")

    @property
    def timezone(self) -> timezone:
        found = _ZONE.fullmatch(self.zone)
        assert found is not None
        away = timedelta(hours=int(found[2]), minutes=int(found[3]))
        return timezone(away if found[1] == "+" else -away)

    @property
    def budget_fen(self) -> int:
        """Of the full event."""
        return sum(sponsor.budget for sponsor in self.sponsors)

    @check
    def _each_once(self) -> Iterator[Contradiction]:
        yield from once("rounds", "id", [item.id for item in self.rounds], "round ")
        yield from once("sponsors", "id", [str(item.id) for item in self.sponsors], "sponsor ")

    @check
    def _one_after_the_other(self) -> Iterator[Contradiction]:
        for number, (first, second) in enumerate(zip(self.rounds, self.rounds[1:], strict=False), 1):
            if second.at < first.at + first.lasts:
                what = f"{second.id} starts before {first.id} ends"
                yield Contradiction(("rounds", number, "at"), what, "one round at a time, in their order")

    @check
    def _sponsored(self) -> Iterator[Contradiction]:
        known = [item.id for item in self.rounds]
        for number, sponsor in enumerate(self.sponsors):
            for name in sponsor.rounds:
                if name not in known:
                    where = ("sponsors", number, "rounds", name)
                    yield Contradiction(where, f"no round {name}", "one of " + ", ".join(known))
        for number, name in enumerate(known):
            if not any(name in sponsor.rounds for sponsor in self.sponsors):
                yield Contradiction(("rounds", number, "id"), f"nobody pays for {name}", "at least one sponsor")


def load_programme(path: Path) -> Programme:
    """Raises PlanError with every problem of the file."""
    value, document, problems = read_partly(path, Programme)
    if isinstance(ident := document.data.get("id"), str):
        problems += twins(document.file, document.line(("id",)), "programme", ident)
    if problems or value is None:
        raise PlanError(problems)
    return value
