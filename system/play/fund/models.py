"""What the money fund reads and answers. Amounts in fen; a part of the fund is always worth one yuan."""

from __future__ import annotations

from pydantic import Field

from system.contract.api import Model
from system.contract.ids import Lane
from system.play.wallet.models import ClientKey, FromBalance


class FundOrder(Model):
    """Body of a purchase or of a sale: so many fen, once for a key."""

    key: ClientKey
    fen: int = Field(ge=1, le=1 << 40)


class FundPurchase(FundOrder, FromBalance):
    """Body of a purchase."""


class FundView(Model):
    """What a user has in the fund."""

    uid: int
    lane: Lane
    fen: int
