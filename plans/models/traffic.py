"""The traffic of a stress plan: its journeys, each a kind of request (a shot) at a rate. Knows no shot but the tap.

The caller of `load_plan` says which other shots there are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated

from pydantic import Field

from plans.models.fan_out import FanOut, per_packet
from plans.models.forecast import Forecast, Id
from plans.models.partial import Contradiction, PlanModel, check
from plans.models.quantity import Duration, Rate, Share
from plans.models.steps import Arrivals, Climb, Segment, Step

TAP = "tap"
RATES = ("share", "rate", "rate_here", "per_win", "fan_out")
"""Of these a journey has one."""


class Journey(PlanModel):
    """Requests of one kind. The taps are the plan's own: one journey, the steps as they are written."""

    shot: Id = Field(description="Kind of request: a file of harness/engine/shots, or of a folder in XIU_SHOTS.")
    journey: Id | None = Field(default=None, description="Its name in results; the shot's unless it is given.")
    share: Annotated[Share, Field(gt=0)] | None = Field(default=None, description="Of the taps' rate at any moment.")
    rate: Annotated[Rate, Field(gt=0)] | None = Field(
        default=None, description="Of the whole event, the same from first to last; scaled as the forecast is."
    )
    rate_here: Annotated[Rate, Field(gt=0)] | None = Field(
        default=None, description="Of this run, the same from first to last, whatever share of the event is played."
    )
    steps: Annotated[tuple[Step, ...], Field(min_length=1)] | None = Field(
        default=None, description="A curve of its own: 100% is its share of the taps' peak, or its rate."
    )
    arrivals: Arrivals | None = Field(
        default=None, description="Left out: as the taps arrive, or evenly where it has a rate of its own."
    )
    response_p99: Annotated[Duration, Field(gt=0)] | None = Field(
        default=None, description="Objective: a p99 of its response above it fails the run."
    )
    per_win: Annotated[Share, Field(gt=0)] | None = Field(
        default=None, description="Instead of a rate: requests for each packet that the forecast expects to be won."
    )
    fan_out: FanOut | None = Field(
        default=None, description="Instead of a rate: as many for each packet as the forecast's season says."
    )
    after: Id | None = Field(
        default=None, description="A journey above: each request is made of an answer to one of its requests."
    )
    on: tuple[Id, ...] = Field(default=(), description="The outcomes of `after` that are followed.")
    each: int = Field(default=1, ge=1, le=1_000, description="Follow-ups of one answer.")
    patience: Annotated[Duration, Field(gt=0)] | None = Field(
        default=None, description="Also a follow-up of each request that has no answer by then."
    )

    @check
    def _one_rate(self) -> Iterator[Contradiction]:
        given = [name for name in RATES if getattr(self, name) is not None]
        if len(given) != 1:
            what = " and ".join(given) or "neither share nor rate nor rate_here"
            yield Contradiction(("shot",), what, f"one of {', '.join(RATES)}")

    @check
    def _follows_something(self) -> Iterator[Contradiction]:
        if self.after is None:
            for key in ("on", "each", "patience"):
                if key in self.model_fields_set and getattr(self, key) != type(self).model_fields[key].default:
                    yield Contradiction((key,), f"`{key}` of a journey that follows none", "`after:` with a name")
        elif not self.on:
            yield Contradiction(("after",), f"which answers of {self.after}", "`on:` with some of its outcomes")

    @check
    def _arrivals_once(self) -> Iterator[Contradiction]:
        if self.steps is not None and self.arrivals is not None:
            yield Contradiction(("arrivals",), "arrivals of the journey and of its steps", "those of each step")

    @check
    def _no_climb(self) -> Iterator[Contradiction]:
        if any(isinstance(step, Climb) for step in self.steps or ()):
            yield Contradiction(("steps",), "a climb of a journey beside the taps", "the taps' steps as a climb")

    @check
    def _peak(self) -> Iterator[Contradiction]:
        if self.steps is not None and max(step.top() for step in self.steps) < 1 - 1e-9:
            yield Contradiction(("steps",), "no step reaches the journey's peak", "one with a share of 100%")

    @property
    def name(self) -> str:
        return self.journey or self.shot

    def peak_rps(self, taps_rps: float, scale: float) -> float:
        """Requests per second where the taps are at `taps_rps`."""
        if self.share is not None:
            return taps_rps * self.share
        return self.rate_here if self.rate_here is not None else (self.rate or 0.0) * scale

    def rated(self, forecast: Forecast) -> Journey:
        """With a rate of its own where it has one for each win. Raises ValueError: the forecast has no season."""
        if self.per_win is None and self.fan_out is None:
            return self
        each = self.per_win if self.fan_out is None else per_packet(forecast, self.fan_out)
        rate = (each or 0.0) * forecast.inputs.packets.mid / forecast.round.full
        return self.model_copy(update={"rate": rate, "per_win": None, "fan_out": None})

    def arriving(self, segments: list[Segment]) -> list[Segment]:
        """The segments with the journey's arrivals, if it says how they are."""
        if self.arrivals is None:
            return segments
        return [{**segment, "poisson": self.arrivals == "poisson"} for segment in segments]


TAPS = Journey(shot=TAP, share=1.0)
"""The traffic of a plan that names none."""


def contradictions_of(traffic: Sequence[Journey], measured_s: float) -> Iterator[Contradiction]:
    """Exactly one journey taps, at the forecast's rate; each name stands once; nobody goes on after the taps, which
    last `measured_s`.
    """
    taps = [number for number, one in enumerate(traffic) if one.shot == TAP]
    if not taps:
        yield Contradiction(("traffic",), "no journey of taps", "one: {shot: tap, share: 100%}")
    for number in taps[1:]:
        yield Contradiction(("traffic", number, "shot"), "a second journey of taps", "one: the forecast's")
    for number in taps[:1]:
        if traffic[number].share != 1.0:
            what = "taps at another rate than the steps say"
            yield Contradiction(("traffic", number, "shot"), what, "share: 100%, the forecast's")
        if traffic[number].response_p99 is not None:
            what = "a second objective of the taps"
            yield Contradiction(("traffic", number, "response_p99"), what, "objectives: {response_p99: …}")
        for key in ("steps", "arrivals"):
            if getattr(traffic[number], key) is not None:
                yield Contradiction(
                    ("traffic", number, key), f"{key} of the taps in two places", "the plan's own steps"
                )
    for number, one in enumerate(traffic):
        lasts_s = sum(step.length_s() for step in one.steps or ())
        if one.shot != TAP and lasts_s > measured_s + 1e-9:
            what = f"{lasts_s:g} s, but the taps are over after {measured_s:g} s"
            yield Contradiction(("traffic", number, "steps"), what, "shorter steps")
    yield from named_well(traffic)


def named_well(traffic: Sequence[Journey]) -> Iterator[Contradiction]:
    """Each name once, and what a journey follows stands above it."""
    names = [one.name for one in traffic]
    for number, (name, one) in enumerate(zip(names, traffic, strict=True)):
        if name in names[:number]:
            yield Contradiction(("traffic", number, "shot"), f"journey {name} stands twice", "`journey:` with a name")
        if one.after is not None and one.after not in names[:number]:
            where = ("traffic", number, "after")
            yield Contradiction(where, f"no journey {one.after} above it", f"one of {', '.join(names[:number])}")
