"""The steps of a load: how a rate moves, as shares of the forecast's peak. Each becomes segments of the rate plan.

An intended time follows from these and the seed alone; no answer can move it.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field

from plans.models.partial import Contradiction, PlanModel, check
from plans.models.quantity import LONGEST_S, Duration, Share
from plans.models.recording import Recorded

OfPeak = Annotated[Share, Field(gt=0, description="Share of the forecast's peak rate.")]
Arrivals = Literal["even", "poisson"]
Segment = dict[str, Any]
"""What `harness.engine.schedule.pieces_of` reads: kind, seconds, taps per second."""
MOST_STAIRS = 100


class _Step(PlanModel):
    """What all kinds have. `arrivals`: evenly spaced, or random as independent users are (seeded)."""

    arrivals: Arrivals = "even"

    @abstractmethod
    def length_s(self) -> float:
        """Seconds, as written."""

    @abstractmethod
    def top(self) -> float:
        """The highest share of the peak."""

    @abstractmethod
    def shapes(self, peak_rps: float, stretch: float) -> list[Segment]:
        """Segments at this peak, all times multiplied by `stretch`; without arrivals and phase."""

    def segments(self, peak_rps: float, stretch: float) -> list[Segment]:
        """As measured segments (phase 1) of the rate plan."""
        more = {"poisson": self.arrivals == "poisson", "phase": 1}
        return [{**segment, **more} for segment in self.shapes(peak_rps, stretch)]


class Constant(_Step):
    """The same rate all the time."""

    kind: Literal["constant"]
    share: OfPeak
    duration: Duration = Field(gt=0)

    def length_s(self) -> float:
        return self.duration

    def top(self) -> float:
        return self.share

    def shapes(self, peak_rps: float, stretch: float) -> list[Segment]:
        return [{"kind": "constant", "rate_rps": self.share * peak_rps, "duration_s": self.duration * stretch}]


class Ramp(_Step):
    """From one rate to another in a straight line."""

    kind: Literal["ramp"]
    from_: OfPeak = Field(alias="from")
    to: OfPeak
    duration: Duration = Field(gt=0)

    def length_s(self) -> float:
        return self.duration

    def top(self) -> float:
        return max(self.from_, self.to)

    def shapes(self, peak_rps: float, stretch: float) -> list[Segment]:
        edges = {"from_rps": self.from_ * peak_rps, "to_rps": self.to * peak_rps}
        return [{"kind": "ramp", **edges, "duration_s": self.duration * stretch}]


class Stairs(_Step):
    """One rate after the other, each held as long. In results each is a step of its own."""

    kind: Literal["stairs"]
    shares: tuple[OfPeak, ...] = Field(min_length=2, max_length=MOST_STAIRS)
    hold: Duration = Field(gt=0, description="How long each of them is held.")

    @check
    def _within_a_day(self) -> Iterator[Contradiction]:
        if self.length_s() > LONGEST_S:
            what = f"{len(self.shares)} stairs of {self.hold:g} s last longer than a day"
            yield Contradiction(("hold",), what, f"at most {LONGEST_S // 3600} hours together")

    def length_s(self) -> float:
        return self.hold * len(self.shares)

    def top(self) -> float:
        return max(self.shares)

    def shapes(self, peak_rps: float, stretch: float) -> list[Segment]:
        held = self.hold * stretch
        return [{"kind": "constant", "rate_rps": share * peak_rps, "duration_s": held} for share in self.shares]


class Spike(_Step):
    """The last seconds of a countdown: taps grow by a constant factor a second, hold the peak, then may fade."""

    kind: Literal["spike"]
    base: OfPeak
    peak: OfPeak
    countdown: Duration = Field(gt=0)
    hold: Duration = Field(gt=0)
    fade: Duration = 0.0

    def length_s(self) -> float:
        return self.countdown + self.hold + self.fade

    def top(self) -> float:
        return max(self.base, self.peak)

    def shapes(self, peak_rps: float, stretch: float) -> list[Segment]:
        rates = {"base_rps": self.base * peak_rps, "peak_rps": self.peak * peak_rps}
        times = {"countdown_s": self.countdown * stretch, "hold_s": self.hold * stretch, "decay_s": self.fade * stretch}
        return [{"kind": "spike", **rates, **times}]


class Replay(_Step):
    """A recorded rate again: its shape, with the recording's highest rate as `peak`, in straight lines."""

    kind: Literal["replay"]
    recording: Recorded = Field(description="CSV file, relative to this one: a time and a rate in each row.")
    peak: OfPeak = 1.0
    duration: Annotated[Duration, Field(gt=0)] | None = Field(
        default=None, description="How long it takes here; left out: as long as it was recorded."
    )

    def length_s(self) -> float:
        return self.duration or self.recording.length_s

    def top(self) -> float:
        return self.peak

    def shapes(self, peak_rps: float, stretch: float) -> list[Segment]:
        slower, top = self.length_s() / self.recording.length_s * stretch, self.peak * peak_rps
        points = [[at_s * slower, share * top] for at_s, share in self.recording.points]
        return [{"kind": "replay", "points": points}]


Step = Annotated[Constant | Ramp | Stairs | Spike | Replay, Field(discriminator="kind")]
