"""What people send and read of shares, as models. Amounts in fen, times in µs since 1970."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from system.contract.api import Model
from system.contract.fields import Budget, Line
from system.contract.ids import Lane
from system.play.fission.links import LINK_CHARS_MAX
from system.play.fission.refusals import ShareTooSmall
from system.play.parameters import AWARD_PATTERN

PARTS_MAX = 1_000
LIFETIME_S_MAX = 7 * 86_400
OPEN_S = 86_400
"""A winner sleeps over it."""

AwardId = Annotated[str, Field(pattern=AWARD_PATTERN)]
LinkText = Annotated[str, Field(min_length=1, max_length=LINK_CHARS_MAX)]
ShareState = Literal["pending", "open", "settled", "reversed"]
FundingKey = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


class FissionFunding(Model):
    """Body of `POST /v1/rounds/{round}/fission`: a sponsor of the round pays `fen` for shares, once for a key. Each
    share has `share_fen` in so many `parts`, to be claimed within `lifetime_s` of its opening. Winners may open shares
    until `open_s` after the round's close; what is left then returns to the sponsors.
    """

    lane: Lane = "live"
    key: FundingKey
    sponsor: int = Field(ge=1, lt=1 << 16)
    fen: Budget
    share_fen: int = Field(ge=1, lt=1 << 32)
    parts: int = Field(ge=1, le=PARTS_MAX)
    lifetime_s: int = Field(ge=1, le=LIFETIME_S_MAX)
    open_s: int = Field(default=OPEN_S, ge=1, le=LIFETIME_S_MAX)

    @model_validator(mode="after")
    def _enough(self) -> Self:
        if self.share_fen < self.parts:
            raise ShareTooSmall(f"{self.share_fen} fen in {self.parts} parts; expected at least 1 fen each")
        return self


class FundingView(Model):
    """A funding by its key. `pending`: its COMMIT was sent and not answered; the same request, again, says more.
    `reversed`: it was paid in, and an operator has given it back since.
    """

    round: int
    key: str
    state: Literal["done", "pending"]
    fen: int
    again: bool = False
    reversed: bool = False


class FissionView(Model):
    """A round's fission money: paid in = left + returned + what went into shares. `claimed_fen`: what users got.
    `reversed`: shares whose opening was taken back, with their money.
    """

    round: int
    lane: Lane
    share_fen: int
    parts: int
    lifetime_s: int
    open_s: int
    paid_in_fen: int
    left_fen: int
    returned_fen: int
    shares: int
    settled: int
    reversed: int
    claims: int
    claimed_fen: int


class ShareOrder(Model):
    """Body of `POST /v1/shares`: the award that is shared."""

    award: AwardId


class ClaimLine(Model):
    """Who has a part; how much, once the share is settled."""

    uid: int
    fen: int | None
    at_us: int


class ShareView(Model):
    """A share. `pending`: whether it was opened is not known yet; the same request, again, says more. `settled`: the
    last part was claimed, or the rest went back. `reversed`: an operator has taken the money back, and nobody gets a
    part. `own`: the asking user's part.
    """

    award: str
    state: ShareState
    link: str | None = None
    owner: int
    fen: int | None = None
    parts: int = 0
    claimed: int = 0
    opened_us: int | None = None
    expires_us: int | None = None
    own: ClaimLine | None = None
    claims: tuple[ClaimLine, ...] = ()


class ClaimOrder(Model):
    """Body of `POST /v1/shares/claim`: the link."""

    link: Line


class ClaimView(Model):
    """A user's part of a share. `pending`: its COMMIT was sent and not answered; the same request, again, says more.
    `again`: the user had it before.
    """

    award: str
    state: Literal["claimed", "pending"]
    fen: int | None = None
    at_us: int | None = None
    again: bool = False
