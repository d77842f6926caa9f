"""A forecast file: what is expected of an event, each figure with its range. A figure without a source is refused."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from plans.models.partial import Contradiction, PlanModel, check
from plans.models.quantity import Count, Duration, Money, Rate, Scale, Share
from system.contract.fields import SPONSOR_CHARS_MAX, name

Id = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
Source = Annotated[str, Field(min_length=3, description="Where the figure comes from, or the assumption it is.")]
Shown = Annotated[str, Field(min_length=1), AfterValidator(name)]


class Words(PlanModel):
    """A text for people, in both languages of the report."""

    zh: Shown
    en: Shown


class Range(PlanModel):
    """A figure as a range: `low` and `high` are the ends believed possible, `mid` the most likely value."""

    source: Source

    @abstractmethod
    def bounds(self) -> tuple[float, float, float]:
        """Low, mid and high as plain numbers."""

    @check
    def _ordered(self) -> Iterator[Contradiction]:
        low, mid, high = self.bounds()
        if not low <= mid <= high:
            what = f"low {low:g}, mid {mid:g}, high {high:g} are out of order"
            yield Contradiction(("low" if low > mid else "high",), what, "low ≤ mid ≤ high")


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


class RatioRange(Range):
    """A plain number of things for each other thing, as a range."""

    low: float = Field(ge=0, le=1_000)
    mid: float = Field(ge=0, le=1_000)
    high: float = Field(ge=0, le=1_000)

    def bounds(self) -> tuple[float, float, float]:
        return self.low, self.mid, self.high


class MoneyRange(Range):
    low: Money
    mid: Money
    high: Money

    def bounds(self) -> tuple[float, float, float]:
        return self.low, self.mid, self.high


class RoundTime(PlanModel):
    """How long the event's round lasts, and how long it is played here: the same rates for a shorter time."""

    full: Duration = Field(gt=0)
    short: Duration = Field(gt=0)
    source: Source

    @check
    def _shorter(self) -> Iterator[Contradiction]:
        if self.short > self.full:
            what = f"short {self.short:g} s is longer than full {self.full:g} s"
            yield Contradiction(("short",), what, "short ≤ full")


class AmountClass(PlanModel):
    """A part of a sponsor's packets, all of one amount."""

    amount: Money = Field(ge=1, lt=1 << 32)
    share: Share = Field(gt=0)


class Sponsor(PlanModel):
    """Who pays for a part of the packets: classes of amounts, or a budget of the full round from which classes
    follow.
    """

    id: int = Field(ge=1, lt=1 << 16)
    name: Words
    weight: Share = Field(gt=0, description="Part of the round's packets.")
    classes: Annotated[tuple[AmountClass, ...], Field(min_length=1)] | None = None
    budget: Money | None = None

    @check
    def _short_name(self) -> Iterator[Contradiction]:
        chars = len(self.both_names)
        if chars > SPONSOR_CHARS_MAX:
            expected = f"zh and en with a blank between: {SPONSOR_CHARS_MAX} characters at most"
            yield Contradiction(("name",), f"a name of {chars} characters", expected)

    @property
    def both_names(self) -> str:
        """The sponsor's name in the system."""
        return f"{self.name.zh} {self.name.en}"

    @check
    def _one_way(self) -> Iterator[Contradiction]:
        if (self.classes is None) == (self.budget is None):
            yield Contradiction(
                () if self.classes is None else ("budget",), "classes and budget", "exactly one of them"
            )

    @check
    def _all_classes(self) -> Iterator[Contradiction]:
        total = sum(item.share for item in self.classes or ())
        if self.classes is not None and abs(total - 1) > 1e-6:
            yield Contradiction(("classes",), f"the shares of the classes add up to {total:.4%}", "100%")

    @check
    def _amounts_once(self) -> Iterator[Contradiction]:
        amounts = [item.amount for item in self.classes or ()]
        for number, amount in enumerate(amounts):
            if amount in amounts[:number]:
                yield Contradiction(
                    ("classes", number, "amount"), "two classes have the same amount", "each amount once"
                )


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


class SeasonInputs(PlanModel):
    """What people do beside the draw, after one round: `xiu demo` plays it. The pot is of the full event, and so is the
    round; `scale` divides both. Everything else is per packet or per person, and stays.
    """

    claims: ShareRange = Field(description="Parts of shares that friends claim, for each packet won.")
    parts: int = Field(ge=1, le=1_000, description="Parts of one share.")
    claim: MoneyRange = Field(description="Money of one part, on the average.")
    ties: RatioRange = Field(description="Ties that the round's audience gains, for each of its people.")
    friends: ShareRange = Field(description="Winners who add a friend by hand, the other asking back.")
    collectors: ShareRange = Field(description="Of those who tap at once, the ones who redeem a ticket.")
    rare: ShareRange = Field(description="How many cards of the scarce fifth kind there are, to one of another kind.")
    family_givers: ShareRange = Field(description="Collectors who pass a card to their family.")
    pot: MoneyRange = Field(description="What the season's blessings share, of the full event.")
    spenders: ShareRange = Field(description="Winners who spend a part of what they won.")
    buyers: ShareRange = Field(description="Winners who would buy the money fund on an ordinary day.")
    buyers_more: ShareRange = Field(description="How many more buy in the festival: 61 % more.")

    @check
    def _a_fen_each(self) -> Iterator[Contradiction]:
        for end in ("claim", "pot"):
            if getattr(self, end).low < 1:
                yield Contradiction((end, "low"), f"{end} of 0", "at least one fen")

    @check
    def _somebody_gives(self) -> Iterator[Contradiction]:
        if self.family_givers.mid <= 0:
            yield Contradiction(("family_givers", "mid"), "nobody gives a card", "more than 0%")


class Limits(PlanModel):
    """Settings of the system that the forecast needs; a run does not change them."""

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
    season: SeasonInputs | None = Field(default=None, description="Played beside the draw by `xiu demo` alone.")

    @check
    def _weights(self) -> Iterator[Contradiction]:
        total = sum(sponsor.weight for sponsor in self.sponsors)
        if abs(total - 1) > 1e-6:
            yield Contradiction(("sponsors",), f"the sponsors' weights add up to {total:.4%}", "100%")

    @check
    def _ids_once(self) -> Iterator[Contradiction]:
        ids = [sponsor.id for sponsor in self.sponsors]
        for number, ident in enumerate(ids):
            if ident in ids[:number]:
                yield Contradiction(("sponsors", number, "id"), "two sponsors have the same id", "each id once")

    @check
    def _within_the_limit(self) -> Iterator[Contradiction]:
        high, limit = self.inputs.taps_per_client.high, self.limits.taps_per_client
        if high > limit + 1e-9:
            what = f"taps_per_client up to {high:g}/s is above the limit of {limit:g}/s"
            yield Contradiction(("inputs", "taps_per_client", "high"), what, "quicker fingers in too_fast_clients")

    @check
    def _beyond_the_limit(self) -> Iterator[Contradiction]:
        if self.inputs.too_fast_taps.low < self.limits.taps_per_client:
            what = "too_fast_taps is below the limit"
            yield Contradiction(("inputs", "too_fast_taps", "low"), what, "a rate that the limit refuses")
