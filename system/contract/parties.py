"""Those outside whom the system calls: a bank that pays out, an SMS gateway. Each has a double.

Owns their names, the variables with their addresses, and what is said to them. A double stands in for its party while
stress traffic runs, and says so: `GET /v1/double` below its address answers `{"double": NAME}`, and each of its answers
bears the header `X-Xiu-Double: NAME`. No party does either. All doubles are one part of the stack.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from system.contract.api import Model
from system.contract.fields import Whole
from system.contract.ids import Lane

PART = "doubles"
"""The part of a stack that stands in for all of them."""
PATH = "/v1/double"
DOUBLE_HEADER = "X-Xiu-Double"
LANE_HEADER = "X-Xiu-Lane"
"""Of each call: whose traffic it is for."""
PartyName = Literal["bank", "sms"]
CALL_OUTCOMES = ("answered", "unknown", "denied", "crossed", "dropped")
"""`unknown`: no answer, or one that says nothing. `denied`: not sent, for the address is not the one for that lane.
`crossed`: answered by a party where a double was due, or the other way round. `dropped`: a notice without room.
"""


@dataclass(frozen=True, slots=True)
class Party:
    """One of them. `name` in small letters; `variable`: where the system reads the address for the live lane."""

    name: PartyName
    variable: str

    @property
    def double_variable(self) -> str:
        """Where the system reads the address of its double, which the stress lane calls."""
        return f"{self.variable.removesuffix('_URL')}_DOUBLE_URL"


BANK, SMS = Party("bank", "XIU_BANK_URL"), Party("sms", "XIU_SMS_URL")
PARTIES: tuple[Party, ...] = (BANK, SMS)


class BankOrder(Model):
    """Body of `PUT /v1/payouts/{order}`: so much to the bank account of a user. The same order again is the same."""

    uid: Whole
    fen: int = Field(ge=1)


class BankWord(Model):
    """The bank's answer: what became of an order. `paid` and `refused` are final; `why` of a refusal, in words."""

    order: str
    state: Literal["paid", "refused", "processing"]
    why: str = ""


class SmsMessage(Model):
    """Body of `POST /v1/messages`: a line for a user. Nobody asks again, so it may be lost, and never comes twice."""

    uid: Whole
    text: str = Field(min_length=1, max_length=200)


class DoubleCalls(Model):
    """What a double was called for, by the lane that the calls named."""

    lane: Lane
    calls: int
    fen: int = 0
    """Paid out, of the bank alone."""
