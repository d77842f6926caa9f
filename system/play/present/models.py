"""What gifts of money read and answer. Amounts in fen, times in µs since 1970."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from system.contract.api import Model
from system.contract.fields import Line, Whole
from system.contract.ids import Lane
from system.play.wallet.models import ClientKey, FromBalance


class PresentOrder(FromBalance):
    """Body of `POST /v1/presents`: so many fen to a friend, once for a key."""

    key: ClientKey
    to: Whole
    fen: int = Field(ge=1, le=1 << 40)
    what: Line = ""


class PresentView(Model):
    """A gift as the user sees it. `fen`: below 0 where he gave it. `uid`: the other of the two. `reversed`: an operator
    gave it back.
    """

    transfer: int
    uid: int
    fen: int
    what: str
    at_us: int
    state: Literal["given", "reversed"]


class Presents(Model):
    """The newest gifts that the user gave or was given, at most 50."""

    uid: int
    lane: Lane
    presents: tuple[PresentView, ...]
