"""Equal parts of a bill, exact to the fen. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from system.contract.errors import Conflict


class SelfBill(Conflict):
    """Who paid the bill asks himself."""

    code = "self_bill"


class AskedTwice(Conflict):
    """A user stands in the bill twice."""

    code = "asked_twice"


class BillTooSmall(Conflict):
    """Less than a fen for each."""

    code = "bill_too_small"


def part(fen: int, payer: int, asked: Sequence[int]) -> int:
    """What each of `asked` owes the payer, who bears the same and what is left over. Raises Refused, a code each."""
    if payer in asked:
        raise SelfBill(f"user {payer} asks himself; expected others alone")
    if len(set(asked)) != len(asked):
        raise AskedTwice("a user is asked twice; expected each once")
    if (each := fen // (len(asked) + 1)) < 1:
        raise BillTooSmall(f"{fen} fen for {len(asked) + 1} people; expected a fen for each at least")
    return each
