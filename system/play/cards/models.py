"""What the cards ask and answer, as models. Amounts in fen, times in µs since 1970, kinds of cards 1 to 5."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from system.contract.api import Model
from system.contract.fields import Budget, Int8, Whole
from system.contract.ids import ROUND_MAX, Lane
from system.tickets import TICKET_CHARS_MAX

Number = Annotated[int, Field(ge=1, le=ROUND_MAX)]
"""A season's."""
Kind = Annotated[int, Field(ge=1, le=5)]
OrderKey = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
"""Chosen by the client: the same key again is the same order, not another."""
Count = Annotated[int, Field(ge=1, le=400_000_000)]
"""Of one kind: five of them are at most 2³¹ cards."""
SeasonState = Literal["open", "ended", "paid"]
Whom = Literal["family", "friend"]
DrawnBy = Literal["ticket", "tie"]


class SeasonOrder(Model):
    """Body of `POST /v1/seasons`. `cards`: how many of each kind will be issued; a small count is a scarce kind.

    `pot_fen` is paid in by `sponsor`.
    """

    season: Number
    lane: Lane = "live"
    cards: tuple[Count, Count, Count, Count, Count]
    pot_fen: Budget
    sponsor: int = Field(ge=1, lt=1 << 16)


class SeasonEnd(Model):
    """Body of `POST /v1/seasons/{season}/end`."""

    lane: Lane = "live"


class SeasonView(Model):
    """A season. `seed` (hex) is null until the end; then anybody can derive every card. `each_fen`, `blessings`:
    frozen at the end. `issued`: cards drawn so far.
    """

    season: int
    lane: Lane
    state: SeasonState
    cards: tuple[int, ...]
    issued: int
    pot_fen: int
    paid_fen: int
    sponsor: int
    commitment: str
    seed: str | None = None
    ended_us: int | None = None
    blessings: int | None = None
    each_fen: int | None = None


class SeasonList(Model):
    """Every season of the lane."""

    lane: Lane
    seasons: tuple[SeasonView, ...]


class IssuedCards(Model):
    """Kinds of the cards `first`, `first` + 1, …, as they were drawn; `next` goes into `after`, null at the end."""

    season: int
    first: int
    kinds: tuple[int, ...]
    next: str | None = None


class AskView(Model):
    """What a friend asks for. `gift`: it was fulfilled."""

    ask: int
    season: int
    asker: int
    asked: int
    kind: int
    at_us: int
    gift: bool


class Cards(Model):
    """What a user holds: cards of kind 1 to 5, blessings; `asks`: what friends ask this user for, newest first.
    `ties`: friends for whose tie `POST /v1/cards/tie` gives a card now, the newest tie first, at most 200.
    """

    uid: int
    lane: Lane
    cards: tuple[int, ...]
    blessings: int
    asks: tuple[AskView, ...]
    ties: tuple[int, ...]


class Redeeming(Model):
    """Body of `POST /v1/cards/redeem`: the `ticket` of a losing tap's answer, unchanged."""

    ticket: str = Field(min_length=1, max_length=TICKET_CHARS_MAX)


class TieCard(Model):
    """Body of `POST /v1/cards/tie`: a card for a tie that the two made in the season, once. An import makes none."""

    season: Number
    friend: Whole


class Gift(Model):
    """Body of `POST /v1/cards/gift`. `ask`: fulfils that request of the friend."""

    key: OrderKey
    season: Number
    to: Whole
    kind: Kind
    whom: Whom = "friend"
    ask: Int8 | None = None


class CardAsk(Model):
    """Body of `POST /v1/cards/ask`: asks a friend for a card of a kind. The same again is the same request."""

    season: Number
    friend: Whole
    kind: Kind


class Combining(Model):
    """Body of `POST /v1/cards/combine`: one card of each kind becomes a blessing, once a season."""

    key: OrderKey
    season: Number


class CardMoved(Model):
    """What became of an order. `pending`: its COMMIT was sent and not answered; the same request, again, says more.
    `kind`: of the card that came or went; null for a combination. `again`: done before, nothing moved now.
    `reversed`: a gift that was done, and that an operator has given back since.
    """

    state: Literal["done", "pending"]
    what: Literal["ticket", "tie", "gift", "combine"]
    season: int
    kind: int | None = None
    at_us: int | None = None
    again: bool = False
    reversed: bool = False
