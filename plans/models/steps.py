"""The steps of a load: how a rate moves, as shares of the forecast's peak. Each becomes segments of the rate plan.

An intended time follows from these and the seed alone; no answer can move it.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import Field

from plans.models.partial import Contradiction, Flag, PlanModel, check
from plans.models.quantity import LONGEST_S, Beyond, Count, Duration, Share
from plans.models.recording import Recorded

OfPeak = Annotated[Share, Field(gt=0, description="Share of the forecast's peak rate.")]
Arrivals = Literal["even", "poisson"]
Segment = dict[str, Any]
"""What `harness.engine.schedule.pieces_of` reads: kind, seconds, taps per second."""
MOST_STAIRS, MOST_WINDOWS = 100, 1_000
WINDOW_LEAST_S = 3.0
"""Seconds of a window of load: less is over before it could be looked at and answered with the next one."""


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


class BaseClimb(_Step):
    """Stair after stair, the next one only where windows of load were green. Which windows come depends on what is
    seen; the times within each of them on nothing.
    """

    kind: Literal["climb"]
    arrivals: Literal["even"] = "even"
    one_request: Flag = Field(default=True, description="A first stair of one request a window.")
    shares: tuple[Annotated[Beyond, Field(gt=0)], ...] = Field(
        min_length=1, max_length=MOST_STAIRS, description="Stairs as shares of the forecast's peak, rising."
    )
    window: Duration = Field(ge=WINDOW_LEAST_S, description="How long the load stands before it is looked at.")
    hold: Count = Field(default=3, ge=1, le=MOST_WINDOWS, description="Green windows in a row that a stair needs.")
    patience: Count = Field(default=3, le=MOST_WINDOWS, description="Windows beyond these that a stair may have.")

    @check
    def _rises(self) -> Iterator[Contradiction]:
        for number, (below, above) in enumerate(pairwise(self.shares), 1):
            if above <= below:
                yield Contradiction(("shares", number), f"{above:.6g} after {below:.6g}", "rising shares")

    @check
    def _within_a_day(self) -> Iterator[Contradiction]:
        if self.length_s() > LONGEST_S:
            what = f"{self.stairs} stairs of {self.hold + self.patience} windows may last longer than a day"
            yield Contradiction(("window",), what, f"at most {LONGEST_S // 3600} hours together")

    @property
    def stairs(self) -> int:
        return len(self.shares) + self.one_request

    def length_s(self) -> float:
        """Of the longest climb: every stair with all of its patience."""
        return self.stairs * (self.hold + self.patience) * self.window

    def top(self) -> float:
        return max(self.shares)

    def rates_rps(self, peak_rps: float, stretch: float) -> tuple[float, ...]:
        """Of each stair."""
        first = (1 / (self.window * stretch),) if self.one_request else ()
        return (*first, *(share * peak_rps for share in self.shares))

    def shapes(self, peak_rps: float, stretch: float) -> list[Segment]:
        """The climb in which every window is green."""
        held = self.hold * self.window * stretch
        rates = self.rates_rps(peak_rps, stretch)
        return [{"kind": "constant", "rate_rps": rate, "duration_s": held} for rate in rates]


class Climb(BaseClimb):
    """Of the red-packet system, whose cells can be reckoned from it."""

    headroom: Annotated[Share, Field(lt=1)] = Field(
        default=0.3, description="Of each cell's safe rate, what stays free when the cells of the event are reckoned."
    )
    spare: Count = Field(default=1, le=1_000, description="Cells beside those that the event needs.")


class OwnClimb(BaseClimb):
    """Of one's own service, which has no cells."""


Step = Annotated[Constant | Ramp | Stairs | Spike | Replay | Climb, Field(discriminator="kind")]
