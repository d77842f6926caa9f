"""Models of the control API: what a round, a lease, a front's order is, as JSON. Extra keys are refused."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from system.contract.errors import NoBudget
from system.contract.fields import SPONSOR_CHARS_MAX, Int8, Line, Name, Text, Whole, name
from system.contract.ids import Lane
from system.contract.routing import FRONTS_MAX

RoundState = Literal["armed", "closing", "closed"]
"""`armed` covers before, during and after the window until the close begins; the window decides what is open."""


class Model(BaseModel):
    """Frozen, no unknown keys, no silent conversions."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, defer_build=True)


class SponsorSplit(Model):
    """A sponsor's packets of a round: classes of (amount in fen, count), each amount ≥ 1, each count ≥ 1."""

    sponsor: int = Field(ge=1, lt=1 << 16)
    name: str = Field(min_length=1, max_length=SPONSOR_CHARS_MAX)
    classes: tuple[tuple[Int8, Int8], ...] = Field(json_schema_extra={"minItems": 1})

    @model_validator(mode="after")
    def _positive(self) -> Self:
        if not self.budget_fen:
            raise PydanticCustomError(NoBudget.code, "a sponsor with a budget of 0 fen; expected at least one fen")
        for fen, count in self.classes:
            if not 1 <= fen < 1 << 32 or not 1 <= count < 1 << 32:
                raise ValueError(f"class ({fen}, {count}) of sponsor {self.sponsor}; expected amounts and counts ≥ 1")
        return self

    @property
    def packets(self) -> int:
        return sum(count for _, count in self.classes)

    @property
    def budget_fen(self) -> int:
        return sum(fen * count for fen, count in self.classes)


def _named(split: SponsorSplit) -> SponsorSplit:
    try:
        name(split.name)
    except ValueError as exc:
        raise ValueError(f"name {exc}") from exc
    return split


class RoundOrder(Model):
    """Body of `POST /v1/rounds`. Exactly one of `start_us` (authority's clock) and `starts_in_ms`.

    `release_ms`: the packets leave evenly over this part of the window (default 95 % of it).
    """

    lane: Lane = "live"
    sponsors: tuple[Annotated[SponsorSplit, AfterValidator(_named)], ...] = Field(min_length=1)
    start_us: Int8 | None = None
    starts_in_ms: Whole | None = None
    duration_ms: int = Field(gt=0, le=86_400_000)
    release_ms: int | None = Field(default=None, gt=0, le=86_400_000)
    season: int | None = Field(default=None, ge=1, lt=1 << 31)
    """The open season whose tickets losing taps carry; none: no tap carries one."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.start_us is None) == (self.starts_in_ms is None):
            raise ValueError("give exactly one of start_us and starts_in_ms")
        if self.release_ms is not None and self.release_ms > self.duration_ms:
            raise ValueError(f"release_ms {self.release_ms} is longer than duration_ms {self.duration_ms}")
        ids = [sponsor.sponsor for sponsor in self.sponsors]
        if len(set(ids)) != len(ids):
            raise ValueError("a sponsor stands twice")
        if not 1 <= self.packets <= 1 << 31:
            raise ValueError(f"{self.packets} packets; expected 1 to 2^31")
        return self

    @property
    def packets(self) -> int:
        return sum(sponsor.packets for sponsor in self.sponsors)

    @property
    def budget_fen(self) -> int:
        return sum(sponsor.budget_fen for sponsor in self.sponsors)


class CloseOrder(Model):
    """Body of `POST /v1/rounds/{round}/close`; no body is the default. `before_end`: also before the round's `end`."""

    before_end: bool = False


class RoundPublic(Model):
    """What everybody may know of a round. `seed` (hex) is null until the round is closed."""

    round: int
    lane: Lane
    state: RoundState
    packets: int
    budget_fen: int
    start_us: int
    end_us: int
    release_ms: int
    sponsors: tuple[SponsorSplit, ...]
    commitment: str
    seed: str | None = None
    season: int | None = None
    """Whose tickets losing taps carry."""


class FrontRound(Model):
    """What a front gets of a round it serves; `seed` is secret until the close."""

    public: RoundPublic
    seed: str
    epoch: int
    """Newest epoch granted to this front's stream; 0 before the first."""


class Registered(Model):
    """Answer of `POST /v1/fronts/{front}/register`: the number of this start; older instances are superseded."""

    instance: int


class StreamReport(Model):
    """What a front says of one of its streams at each sync."""

    round: Int8
    epoch: Int8
    sequence: Int8
    ready: bool
    pending: Int8


class SyncRequest(Model):
    """Body of `POST /v1/fronts/{front}/sync`."""

    instance: Int8
    streams: tuple[StreamReport, ...] = ()


class SyncAnswer(Model):
    """Rounds not yet closed (closed ones once more for 60 s), and the switches. 409 superseded instead,
    for an older instance.

    `switches` is the live lane's table, for fronts that know of no other; `lanes` is there where `?lanes=1` was asked.
    """

    now_us: int
    rounds: tuple[FrontRound, ...]
    switches: dict[str, int]
    lanes: dict[Lane, dict[str, int]] | None = None


class EpochRequest(Model):
    """Body of `POST /v1/fronts/{front}/rounds/{round}/epoch`."""

    instance: Int8


class EpochGranted(Model):
    epoch: int


class LeaseRequest(Model):
    """Body of `POST /v1/fronts/{front}/rounds/{round}/lease`: idempotent on (front, round, epoch, number)."""

    instance: Int8
    epoch: Int8
    number: int = Field(ge=1, lt=1 << 31)


class LeaseGranted(Model):
    """Packet indexes [lo, hi); lo == hi means that no packet is left."""

    number: int
    lo: int
    hi: int


class ConfirmRequest(Model):
    """Body of `POST /v1/fronts/{front}/rounds/{round}/confirm`: settled, awards no more, last id of the stream."""

    instance: Int8
    epoch: Int8
    sequence: Whole


class LedgerView(Model):
    """What the ledger holds of one front's stream. `records` is base64 of WIN_DTYPE rows: postings, then suspense, of
    which the first `held` have their packet's money held.
    """

    offset_epoch: int
    offset_sequence: int
    granted: int
    state: RoundState
    posted: int
    suspended: int
    held: int = Field(ge=0)
    records: str


class TokensRequest(Model):
    """Body of `POST /v1/tokens`: answer is text, one token a line, for uids first … first+count−1."""

    lane: Lane = "live"
    first_uid: int = Field(ge=0, lt=1 << 62)
    count: int = Field(ge=1, le=2_000_000)
    ttl_s: int = Field(default=7200, ge=-(1 << 62), le=604_800)
    """Negative or 0: already expired tokens, for the probes of a stress plan."""


class TagRequest(Model):
    """Body of `POST /v1/tags`."""

    run_id: Line
    ttl_s: int = Field(default=7200, ge=-86_400, le=86_400)
    """Negative or 0: an expired tag, for the pre-check."""


class SwitchChange(Model):
    """Body of `PUT /v1/switches/{key}`. Without `lane` the value is set for both. With `cell` it is set in that cell
    alone; a cell that gets its lane's value follows the lane again.
    """

    value: Int8
    lane: Lane | None = None
    cell: int | None = Field(default=None, ge=0, lt=FRONTS_MAX)
    who: Name = "operator"
    why: Text = ""


class RoundMoney(Model):
    """Where a round's money is, of `GET /v1/rounds/{round}/money`. All in fen; read credited first, then awarded."""

    round: int
    state: RoundState
    budget_fen: int
    credited_fen: int
    suspense_fen: int
    refunded_fen: int
    postings: int
    suspended: int
    leased_packets: int
    waiting_for: tuple[str, ...] = ()
    """While closing: what the close waits for, in words, one item each."""
