"""Models of counting: what a front reports, what an operator reads. Users are 64-bit roaring bitmaps, as base64."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from system.contract.api import Model
from system.contract.fields import Whole
from system.contract.ids import Lane

RoundId = Annotated[int, Field(ge=0, lt=1 << 31)]
SponsorId = Annotated[int, Field(ge=0, lt=1 << 16)]


class CountedPart(Model):
    """One round in one minute, since the front's report before. `users`: those not reported of this minute yet, a
    serialised 64-bit roaring bitmap in base64; empty for none. `exposures`: sponsor → answers that named it.
    """

    round: RoundId
    minute_us: Whole
    taps: Whole
    too_fast: Whole
    exposures: dict[SponsorId, Whole] = Field(default_factory=dict)
    users: str = ""


class CountsReport(Model):
    """Body of `POST /v1/fronts/{front}/counts`: written once for each (front, instance, number). `until_us`: all that
    this start answered before is in its reports up to this one. `rounds`: those in which it answers taps on from there.
    `last`: it stopped in order, and answers no more.
    """

    instance: int = Field(ge=1, lt=1 << 62)
    number: int = Field(ge=1, lt=1 << 62)
    until_us: Whole
    last: bool = False
    rounds: tuple[RoundId, ...] = Field(default=(), max_length=10_000)
    parts: tuple[CountedPart, ...] = Field(default=(), max_length=1_000)


class CountedFigures(Model):
    """Figures of a minute, a round or an evening. `people`: distinct users who took part. `exposures`: by sponsor."""

    taps: int
    too_fast: int
    people: int
    exposures: dict[int, int]


class CountedMinute(CountedFigures):
    """`exact`: every front that served in it has reported beyond its end. Else the figures are lower bounds."""

    minute_us: int
    exact: bool


class Uncounted(Model):
    """A start of a front that ended without a last report: what it answered in this time may be missing."""

    front: int
    instance: int
    since_us: int
    until_us: int


class CountedRound(CountedFigures):
    """One round that began. `exact`: it is closed, and every front that served in it has reported all it answered
    there; else every figure is a lower bound. `confirmed_us`: the time before which none of them has anything to
    report; None where no front served.
    """

    round: int
    exact: bool
    confirmed_us: int | None
    minutes: tuple[CountedMinute, ...]
    uncounted: tuple[Uncounted, ...]


class Participation(Model):
    """Answer of `GET /v1/participation`: rounds, and all of them together, the evening."""

    lane: Lane
    evening: CountedFigures
    exact: bool
    """There is a round, and each is exact."""
    rounds: tuple[CountedRound, ...]
