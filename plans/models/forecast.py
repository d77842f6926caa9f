"""A forecast file: what is believed of an event, each figure with its range. Refuses figures without a source."""

from __future__ import annotations

from abc import abstractmethod
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from plans.models.document import PlanModel
from plans.models.quantity import Count, Duration, Money, Rate, Scale, Share

Id = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
Source = Annotated[str, Field(min_length=3, description="Where the figure comes from, or the assumption it is.")]


class Words(PlanModel):
    """A text for people, in both languages of the report."""

    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)


class Range(PlanModel):
    """A figure as a range: `low` and `high` are the ends believed possible, `mid` the most likely value."""

    source: Source

    @abstractmethod
    def bounds(self) -> tuple[float, float, float]:
        """Low, mid and high as plain numbers."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        low, mid, high = self.bounds()
        if not low <= mid <= high:
            raise ValueError(f"low {low:g}, mid {mid:g}, high {high:g} are out of order; expected low ≤ mid ≤ high")
        return self


class CountRange(Range):
    low: Count
    mid: Count
    high: Count

    def bounds(self) -> tuple[float, float, float]:
        return self.low, self.mid, self.high


class ShareRange(Range):
    low: Share
    mid: Share
    high: Share

    def bounds(self) -> tuple[float, float, float]:
        return self.low, self.mid, self.high


class RateRange(Range):
    low: Rate
    mid: Rate
    high: Rate

    def bounds(self) -> tuple[float, float, float]:
        return self.low, self.mid, self.high


class DurationRange(Range):
    low: Duration
    mid: Duration
    high: Duration

    def bounds(self) -> tuple[float, float, float]:
        return self.low, self.mid, self.high


class PeakFactor(Range):
    """A plain number ≥ 1 as a range."""

    low: float = Field(ge=1)
    mid: float = Field(ge=1)
    high: float = Field(ge=1)

    def bounds(self) -> tuple[float, float, float]:
        return self.low, self.mid, self.high


class RoundTime(PlanModel):
    """How long the event's round lasts, and how long it is played here: the same rates, for a shorter time."""

    full: Duration = Field(gt=0)
    short: Duration = Field(gt=0)
    source: Source

    @model_validator(mode="after")
    def _shorter(self) -> Self:
        if self.short > self.full:
            raise ValueError(f"short {self.short:g} s is longer than full {self.full:g} s; expected short ≤ full")
        return self


class AmountClass(PlanModel):
    """A part of a sponsor's packets, all of one amount."""

    amount: Money = Field(ge=1, lt=1 << 32)
    share: Share = Field(gt=0)


class Sponsor(PlanModel):
    """Who pays for a part of the packets: amount classes, or a budget of the full round from which they follow."""

    id: int = Field(ge=1, lt=1 << 16)
    name: Words
    weight: Share = Field(gt=0, description="Part of the round's packets.")
    classes: Annotated[tuple[AmountClass, ...], Field(min_length=1)] | None = None
    budget: Money | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.classes is None) == (self.budget is None):
            raise ValueError("classes and budget; expected exactly one of them")
        if self.classes is not None:
            total = sum(item.share for item in self.classes)
            if abs(total - 1) > 1e-6:
                raise ValueError(f"the shares of the classes add up to {total:.4%}; expected 100%")
            amounts = [item.amount for item in self.classes]
            if len(set(amounts)) != len(amounts):
                raise ValueError("two classes have the same amount; expected each amount once")
        return self


class Inputs(PlanModel):
    """What the bands are derived from. Counts and money are of the full event; `scale` divides them, nothing else."""

    audience: CountRange = Field(description="Users who tap at all in the round.")
    tapping_at_once: ShareRange = Field(description="Share of them who tap in the same second at the peak.")
    taps_per_client: RateRange = Field(description="Taps a second of one of those.")
    peak_factor: PeakFactor = Field(description="Peak minute over mean minute of the round.")
    too_fast_clients: ShareRange = Field(description="Share of the tappers whose finger is quicker than the limit.")
    too_fast_taps: RateRange = Field(description="Taps a second of such a finger.")
    packets: CountRange = Field(description="Packets of the full round.")
    pool_share: ShareRange = Field(description="Part of the round after which the last packet is gone.")
    unsold: ShareRange = Field(description="Part of the packets that stay unused (leases of a front that died).")
    response_p99: DurationRange = Field(
        description="Answer to a tap, from its intended time: low, expected, objective."
    )
    error_share: ShareRange = Field(description="Taps without a right answer; the expected count is of this share.")
    credit_delay_p99: DurationRange = Field(description="Win to balance: low, expected, objective.")
    credit_drain: ShareRange = Field(
        description="Drain after the round's end, as part of the round: low, expected, most."
    )


class Limits(PlanModel):
    """What the system is set to; the forecast needs it, the run does not change it."""

    taps_per_client: Rate
    burst: Count = Field(ge=1)
    source: Source


class Forecast(PlanModel):
    """The whole file."""

    kind: Literal["forecast"]
    id: Id
    title: Words
    about: str = ""
    scale: Scale = Field(description="The share that is natural for one machine.")
    scale_source: Source
    round: RoundTime
    limits: Limits
    inputs: Inputs
    sponsors: tuple[Sponsor, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _together(self) -> Self:
        total = sum(sponsor.weight for sponsor in self.sponsors)
        if abs(total - 1) > 1e-6:
            raise ValueError(f"the sponsors' weights add up to {total:.4%}; expected 100%")
        ids = [sponsor.id for sponsor in self.sponsors]
        if len(set(ids)) != len(ids):
            raise ValueError("two sponsors have the same id; expected each id once")
        if self.inputs.taps_per_client.high > self.limits.taps_per_client + 1e-9:
            raise ValueError(
                f"taps_per_client up to {self.inputs.taps_per_client.high:g}/s is above the limit of "
                f"{self.limits.taps_per_client:g}/s; expected quicker fingers in too_fast_clients"
            )
        if self.inputs.too_fast_taps.low < self.limits.taps_per_client:
            raise ValueError("too_fast_taps is below the limit; expected a rate that the limit refuses")
        return self
