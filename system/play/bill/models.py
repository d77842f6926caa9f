"""What shared bills read and answer. Amounts in fen, times in µs since 1970."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from system.contract.api import Model
from system.contract.fields import Line, Whole
from system.contract.ids import Lane
from system.play.wallet.models import ClientKey, FromBalance

ASKED_MAX = 50
PartState = Literal["open", "paid", "reversed"]
"""`reversed`: paid, and given back by an operator."""


class BillOrder(Model):
    """Body of `POST /v1/bills`: `fen` is the whole bill; the user and each of `uids` bear equal parts, and he the fen
    that are left over.
    """

    key: ClientKey
    fen: int = Field(ge=1, le=1 << 40)
    uids: tuple[Whole, ...] = Field(min_length=1, max_length=ASKED_MAX, json_schema_extra={"uniqueItems": True})
    what: Line = ""


class BillPart(Model):
    """One user's part."""

    uid: int
    fen: int
    state: PartState


class BillView(Model):
    """A bill, as those see it who are in it. `pending`: nobody knows yet whether it was made; ask again, same key."""

    state: Literal["made", "pending"]
    lane: Lane
    bill: int | None = None
    uid: int
    """Who paid it, and asks the others."""
    fen: int
    own_fen: int
    """What he bears himself."""
    what: str = ""
    at_us: int | None = None
    parts: tuple[BillPart, ...] = ()
    again: bool = False
    """The key was there before: nobody was asked anew."""


class AskedPart(Model):
    """A part that somebody asks of the user."""

    bill: int
    uid: int
    """Who asks."""
    fen: int
    what: str
    at_us: int
    state: PartState


class AskedParts(Model):
    """The newest parts that were asked of the user, at most 50."""

    uid: int
    lane: Lane
    parts: tuple[AskedPart, ...]


class PartPayment(FromBalance):
    """Body of `POST /v1/bills/{bill}/pay`: `fen` as it was asked, so that nobody pays what he did not read."""

    fen: int = Field(ge=1, le=1 << 40)
