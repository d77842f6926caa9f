"""What payouts read and answer. Amounts in fen, times in µs since 1970."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from system.contract.api import Model
from system.contract.ids import Lane
from system.play.wallet.models import ClientKey, FromBalance


class PayoutOrder(FromBalance):
    """Body of a payout: so many fen off the balance, to the user's bank account, once for a key."""

    key: ClientKey
    fen: int = Field(ge=1, le=1 << 40)


class PayoutView(Model):
    """An order by its key. `processing`: off the balance, and the bank has not said what became of it. `refused`: back
    on the balance; `why` in the bank's words. `pending`: the order's COMMIT was not answered; the same request, again,
    says more.
    """

    key: str
    state: Literal["processing", "paid", "refused", "pending"]
    fen: int
    payout: int | None = None
    why: str = ""
    at_us: int | None = None
    settled_us: int | None = None


class PayoutList(Model):
    """A user's payouts, newest first, at most 50."""

    uid: int
    lane: Lane
    payouts: tuple[PayoutView, ...]
