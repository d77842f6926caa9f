"""What operators read and order about money held in suspense, as models. Amounts in fen."""

from __future__ import annotations

from typing import Literal

from system.contract.api import Model
from system.contract.ids import Lane
from system.play.wallet.models import TwoPeople

GoesTo = Literal["user", "sponsor"]


class Settlement(TwoPeople):
    """Body of `POST /v1/suspense/{award}/settle`: who gets what is held: the user that the record names, or the sponsor
    whose packet it is.
    """

    to: GoesTo


class HeldAward(Model):
    """A packet whose money is held. `uid`: as the record says; null where no user can have that number. `entry`: where
    the record stood in front `front`'s stream. `settled`: to whom it went; null while it is held.
    """

    award: str
    uid: int | None
    fen: int
    sponsor: int
    front: int
    entry: str
    reason: str
    settled: GoesTo | None


class HeldPage(Model):
    """What is held of a round, by packet. `next` goes into `after` of the next request; null on the last page."""

    lane: Lane
    round: int
    held: tuple[HeldAward, ...]
    next: int | None
