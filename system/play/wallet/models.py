"""What play answers, as models: wallet, statement, sponsors' accounts. Amounts in fen, times in µs since 1970."""

from __future__ import annotations

import unicodedata
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from system.contract.api import Model
from system.contract.errors import Conflict
from system.contract.fields import Line as TextLine
from system.contract.fields import Name, Whole
from system.contract.ids import Lane
from system.play.parameters import AWARD_PATTERN

AwardState = Literal["credited", "held", "processing", "not_awarded"]
"""`held`: set aside, a person decides. `processing`: not in the ledger yet, and the round is not closed."""
BULK_MAX = 20_000


class AwardView(Model):
    """What became of the award the client was shown."""

    award: str
    state: AwardState
    fen: int | None = None
    """Amount credited; null unless it is."""


ClientKey = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
"""Chosen by the client: the same key again is the same order, not another."""


class FromBalance(Model):
    """Part of each order that takes money off the user's balance: at most what credit has posted and nobody spent.

    `award`: one that the user was shown and counts on; while it is not posted yet, too little is called *processing*.
    """

    award: str | None = Field(default=None, pattern=AWARD_PATTERN)


class Spending(FromBalance):
    """Body of `POST /v1/wallet/spend`: `fen` leaves the balance."""

    key: ClientKey
    fen: int = Field(ge=1, le=1 << 40)
    what: TextLine = ""


class OnePerson(Conflict):
    """Who orders and who approves have one name."""

    code = "one_person"


class TwoPeople(Model):
    """What an operator orders in the name of two people: who they are, and why."""

    lane: Lane = "live"
    by: Name
    approved_by: Name
    why: Name

    @model_validator(mode="after")
    def _two(self) -> Self:
        if _who(self.by) == _who(self.approved_by):
            raise OnePerson("by and approved_by are one name; expected two people")
        return self


class Reversal(TwoPeople):
    """Body of `POST /v1/transfers/{transfer}/reverse`: two people's names, and why."""


def _who(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


class TransferLeg(Model):
    """So much of a currency into an account, or out of it (below 0)."""

    account: str
    currency: str
    amount: int


class TransferView(Model):
    """A transfer by its key. `pending`: its COMMIT was sent and not answered; the same request, again, says more.
    `reversed`: it was done, and an operator has given it back since.
    """

    key: str
    state: Literal["done", "pending"]
    transfer: int | None = None
    at_us: int | None = None
    legs: tuple[TransferLeg, ...] = ()
    again: bool = False
    """The key was there before: nothing moved now."""
    reversed: bool = False


class Wallet(Model):
    """A user's balance, what was spent taken off. `processing`: the award asked about is on its way; null when none
    was asked about. `real_name`: without one the money stays where it is.
    """

    uid: int
    lane: Lane
    balance_fen: int
    credits: int
    real_name: bool
    processing: bool | None = None
    award: AwardView | None = None


CREDIT = "credit"


class Line(Model):
    """One line of a statement: fen that came (above 0) or went, and since when they count.

    `kind`: *credit* is a packet of the draw, with `award`, `round`, `sponsor`, `awarded_us`; any other is the kind of a
    transfer, with its number, and what its order was said to be for.
    """

    kind: str = CREDIT
    award: str | None = None
    round: int | None = None
    fen: int
    sponsor: int | None = None
    awarded_us: int | None = None
    credited_us: int
    transfer: int | None = None
    what: str = ""


class Statement(Model):
    """A page of all that moved a user's money, newest first. `next` goes into `after` of the next request; null on the
    last page.
    """

    uid: int
    lane: Lane
    lines: tuple[Line, ...]
    next: str | None = None


class BulkRequest(Model):
    """Body of `POST /v1/wallets/bulk`: the users to read, at most 20,000; of one round if it is given."""

    lane: Lane = "live"
    uids: tuple[Whole, ...] = Field(min_length=1, max_length=BULK_MAX)
    round: int | None = Field(default=None, ge=0, lt=1 << 31)


class BulkWin(Model):
    uid: int
    round: int
    packet: int
    fen: int


class BulkAnswer(Model):
    """Every posting of the users asked for; users without a posting are left out."""

    lane: Lane
    wins: tuple[BulkWin, ...]
