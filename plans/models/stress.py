"""A stress plan: how a forecast is tested, in shares of its peak, by intended time. Absolute rates are refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field, FiniteFloat

from plans.models.forecast import Id, Words
from plans.models.ids import FileName
from plans.models.partial import Contradiction, PlanModel, check
from plans.models.quantity import Count, Duration, Factor, Share
from plans.models.steps import Climb, OfPeak, Segment, Step
from plans.models.stop_sentence import as_rule
from plans.models.traffic import TAP, TAPS, Journey, contradictions_of
from plans.signals import named

if TYPE_CHECKING:
    ShareSignal: TypeAlias = str
    TimeSignal: TypeAlias = str
    AgeSignal: TypeAlias = str
    FactorSignal: TypeAlias = str
    CountSignal: TypeAlias = str
else:  # the names that have a reader, and no other
    ShareSignal, TimeSignal = Literal[named("share")], Literal[named("time")]
    AgeSignal, CountSignal = Literal[named("age")], Literal[named("count")]
    FactorSignal = Literal[named("factor")]

LOOKS_S = 1.0
"""Seconds between two readings of the levels."""


def _no_flag(value: Any) -> Any:
    """A flag equals 0 or 1 in Python, and is no number here."""
    if isinstance(value, bool):
        raise ValueError(f"{value} is not a format; expected a whole number")
    return value


Format = Annotated[Literal[1, 2], BeforeValidator(_no_flag)]


class WarmUp(PlanModel):
    """Load that is sent and checked, but not measured; a tap belongs to it by its intended time."""

    duration: Duration
    share: OfPeak


class RoundWindow(PlanModel):
    """When the round opens, counted from the first intended tap, and over which part of it packets are released."""

    opens: Duration
    duration: Duration = Field(gt=0)
    release: Annotated[Share, Field(gt=0)] = Field(
        default=0.95, description="Left out: what the forecast expects, the `mid` of its `pool_share`."
    )


ROUNDS_MAX, WORKERS_MAX = 8, 8


class PlannedRound(PlanModel):
    """One of the rounds that a plan plays one after the other. `pause`: from the close before it until it is armed."""

    pause: Duration = 0.0


def _no_pause_before_the_first(rounds: tuple[PlannedRound, ...]) -> tuple[PlannedRound, ...]:
    """Nothing is closed before the first round."""
    if rounds[0].pause:
        raise ValueError("the first round has a pause; expected one between two rounds, at the second of them")
    return rounds


def _as_rounds(value: Any) -> Any:
    """A number of rounds as a list of that many."""
    whole = isinstance(value, int) and not isinstance(value, bool)
    count = value if whole else len(value) if isinstance(value, list | tuple) else 0
    if not 1 <= count <= ROUNDS_MAX:
        raise ValueError(f"{value!r:.40} rounds; expected 1 to {ROUNDS_MAX}, as a count or a list")
    if not whole:
        return value
    return [{}] * value


Rounds = Annotated[
    tuple[PlannedRound, ...],
    Field(min_length=1, max_length=ROUNDS_MAX),
    AfterValidator(_no_pause_before_the_first),
    BeforeValidator(_as_rounds, json_schema_input_type=int | tuple[PlannedRound, ...]),
]


class Probes(PlanModel):
    """Requests that must win nothing, beside the load. Not scaled: an invariant needs its sample at every scale."""

    forged: Count = 1000
    expired: Count = 1000
    foreign: Count = 1000

    @property
    def total(self) -> int:
        return self.forged + self.expired + self.foreign


StopJourney = Annotated[
    Id | None, Field(default=None, description="Of this journey alone; left out: of the taps (of all requests).")
]


class StopAboveShare(PlanModel):
    """Stop when a share of the taps is above a bound over a window."""

    signal: ShareSignal
    journey: StopJourney
    above: Share
    window: Duration = Field(gt=0)
    min_samples: Count = Field(default=100, ge=1)


class StopAboveTime(PlanModel):
    """Stop when a time is above a bound over a window."""

    signal: TimeSignal
    journey: StopJourney
    above: Duration
    window: Duration = Field(gt=0)
    min_samples: Count = Field(default=100, ge=1)


class StopAboveFactor(PlanModel):
    """Stop when a figure is above a multiple of what it was before the load, over a window."""

    signal: FactorSignal
    above: Factor = Field(gt=1)
    window: Duration = Field(gt=0)
    min_samples: Count = Field(default=100, ge=1)


class _Level(PlanModel):
    """Stop by a level: read once a second, and every reading of the window must be above the bound."""

    window: Duration = Field(default=1.0, gt=0)
    min_samples: Count = Field(default=1, ge=1)

    @check
    def _come_in_time(self) -> Iterator[Contradiction]:
        most = max(1, int(self.window / LOOKS_S))
        if self.min_samples > most:
            what = f"{self.min_samples} looks in {self.window:g} s, but there is one a second"
            yield Contradiction(("min_samples",), what, f"at most {most}")


class StopAboveAge(_Level):
    """Stop when an age stays above a bound for a window."""

    signal: AgeSignal
    above: Duration


class StopAboveCount(_Level):
    """Stop when a count stays above a bound for a window."""

    signal: CountSignal
    above: Count


class StopAboveQuery(_Level):
    """Stop when the one value of a PromQL query stays above a bound for a window. A query without data never stops."""

    signal: Literal["promql"]
    query: str = Field(min_length=1)
    above: FiniteFloat


_Rule = Annotated[
    StopAboveShare | StopAboveTime | StopAboveAge | StopAboveCount | StopAboveFactor | StopAboveQuery,
    Field(discriminator="signal"),
]
StopRule = Annotated[_Rule, BeforeValidator(as_rule, json_schema_input_type=_Rule | str)]


class DrainLimits(PlanModel):
    """After the last intended tap: how long answers and credits are waited for, and the close is."""

    answers: Duration = Field(gt=0)
    credits: Duration = Field(gt=0)
    close: Duration = Field(gt=0)


class Objectives(PlanModel):
    """What users are promised: the upper end of each latency band. What the forecast expects must lie inside."""

    response_p99: Duration = Field(gt=0)
    credit_delay_p99: Duration = Field(gt=0)
    errors: Count = 0


class Purpose(PlanModel):
    """What a plan is for, a sentence each."""

    when: str = Field(min_length=10, max_length=200, description="When to use it.")
    cannot_tell: str = Field(min_length=10, max_length=200, description="What its result says nothing about.")
    looks_for: str = Field(min_length=10, max_length=200, description="The bottleneck that it looks for.")


class StressPlan(PlanModel):
    """The whole file."""

    kind: Literal["stress"]
    format: Format = Field(default=1, description="Version of this file's format; left out: the first.")
    id: Id
    title: Words
    about: str = ""
    purpose: Purpose | None = Field(default=None, description="Each plan of the project has one.")
    forecast: FileName = Field(description="The forecast's file, relative to this one.")
    lane: Literal["live", "stress"] = "stress"
    seed: int = Field(ge=0, lt=1 << 63)
    calibrated: Annotated[Share, Field(gt=0, le=1, description="Share of the calibrated rate that is played.")] = 1.0
    last_front: Annotated[Share, Field(gt=0, lt=1)] | None = Field(
        default=None, description="Part of the users who belong to the last front; left out: as many as to any other."
    )
    warm_up: WarmUp
    round: RoundWindow
    rounds: Rounds = Field(
        default=(PlannedRound(),), description="How many rounds are played one after the other, or each of them."
    )
    workers: Annotated[int, Field(ge=1, le=WORKERS_MAX, description="Locust workers that share the load.")] = 1
    steps: tuple[Step, ...] = Field(min_length=1)
    traffic: tuple[Journey, ...] = Field(default=(TAPS,), min_length=1, description="Left out: the taps alone.")
    journeys: tuple[FileName, ...] = Field(
        default=(), description="Files of plans/journeys, relative to this one; their rows are added to the traffic."
    )
    probes: Probes = Probes()
    stop: tuple[StopRule, ...] = Field(min_length=1)
    drain: DrainLimits
    objectives: Objectives

    @check
    def _opens_in_time(self) -> Iterator[Contradiction]:
        start, end, opens = self.warm_up.duration, self.warm_up.duration + self.measured_s, self.round.opens
        if opens > start + 1e-9 and opens >= end:
            what = f"the round opens at {opens:g} s, after the last tap at {end:g} s"
            yield Contradiction(("round", "opens"), what, "it earlier")

    @check
    def _ends_in_time(self) -> Iterator[Contradiction]:
        end, closes = self.warm_up.duration + self.measured_s, self.round.opens + self.round.duration
        if end > closes + 1e-9:
            what = f"taps until {end:g} s, but the round closes at {closes:g} s"
            yield Contradiction(("steps",), what, "shorter steps")

    @check
    def _peak(self) -> Iterator[Contradiction]:
        if self.top < 1 - 1e-9:
            yield Contradiction(("steps",), "no step reaches the peak", "one with a share of 100%")

    @check
    def _climbs_alone(self) -> Iterator[Contradiction]:
        for number, step in enumerate(self.steps):
            if isinstance(step, Climb) and len(self.steps) > 1:
                yield Contradiction(("steps", number), "a climb among other steps", "a climb alone, or none")
            elif isinstance(step, Climb) and len(self.rounds) > 1:
                yield Contradiction(("rounds",), "a climb in several rounds", "one round")
            elif isinstance(step, Climb) and self.beside:
                yield Contradiction(("traffic",), "journeys beside a climb", "the taps alone")

    @check
    def _traffic(self) -> Iterator[Contradiction]:
        yield from contradictions_of(self.traffic, self.measured_s)

    @property
    def taps(self) -> Journey:
        """The plan's own journey."""
        return next((one for one in self.traffic if one.shot == TAP), TAPS)

    @property
    def beside(self) -> tuple[Journey, ...]:
        """The other journeys, in the order of the file."""
        return tuple(one for one in self.traffic if one.shot != TAP)

    @property
    def climb(self) -> Climb | None:
        """The climb, where the plan is one."""
        return next((step for step in self.steps if isinstance(step, Climb)), None)

    @property
    def opens_s(self) -> float:
        """Second of the plan at which the round opens."""
        return self.round.opens

    @property
    def to_be_refused(self) -> int:
        """Requests that must win nothing."""
        return self.probes.total

    @property
    def top(self) -> float:
        """The highest rate of the steps as a share of the peak: more than 1 of a climb beyond it."""
        return max(step.top() for step in self.steps)

    @property
    def measured_s(self) -> float:
        """Seconds of the steps, as written; of a climb, of the longest one."""
        return sum(step.length_s() for step in self.steps)

    def stretch(self, duration_s: float) -> float:
        """Factor of the steps' times when the round lasts `duration_s`; the margins at both ends stay as they are."""
        margin = self.round.duration - self.measured_s
        return (duration_s - margin) / self.measured_s

    def last_tap_s(self, duration_s: float) -> float:
        """Seconds from the opening of a round of `duration_s` to its last tap."""
        return self.warm_up.duration + self.measured_s * self.stretch(duration_s) - self.round.opens

    def segments(self, peak_rps: float, duration_s: float | None = None) -> list[Segment]:
        """Warm-up (phase 0) and steps (phase 1) at this peak, for a round of `duration_s` (as written if None)."""
        stretch = self.stretch(duration_s) if duration_s else 1.0
        out: list[Segment] = []
        if self.warm_up.duration:
            rate = self.warm_up.share * peak_rps
            out.append({"kind": "constant", "rate_rps": rate, "duration_s": self.warm_up.duration, "phase": 0})
        for step in self.steps:
            out += step.segments(peak_rps, stretch)
        return out

    def segments_of(
        self, journey: Journey, peak_rps: float, scale: float, duration_s: float | None = None
    ) -> list[Segment]:
        """Segments of a journey beside the taps: its own steps; else its share of theirs, or its own rate from first
        to last.
        """
        rate = journey.peak_rps(peak_rps, scale)
        if journey.steps is None and journey.share is not None:
            return journey.arriving(self.segments(rate, duration_s))
        stretch = self.stretch(duration_s) if duration_s else 1.0
        warm_rps = rate if journey.steps is None else rate * self.warm_up.share
        if journey.after is not None:
            warm_rps = 0.0  # there is nothing to follow yet
        spans = [(0, warm_rps, self.warm_up.duration)]
        if journey.steps is None:
            spans.append((1, rate, self.measured_s * stretch))
        out: list[Segment] = [
            {"kind": "constant", "rate_rps": rps, "duration_s": span_s, "phase": phase}
            for phase, rps, span_s in spans
            if span_s
        ]
        for step in journey.steps or ():
            out += step.segments(rate, stretch)
        return journey.arriving(out)
