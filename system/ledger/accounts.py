"""Accounts, currencies and legs of transfers. Owns their spelling, and which accounts have a floor. Pure.

An account is a text: `user:UID`, `fund:UID`, `payout:UID`, `share:AWARD`, `fission:ROUND`, `issue:SEASON`,
`pot:SEASON`, `rounding:SEASON` have the floor 0 (a user's fen: what credit has posted counts as well); `sponsor:N`,
`platform:NAME`, `mint:SEASON` have none, nor has `suspense:ROUND`, by which money that the draw holds of the round is
settled. Source: docs/season.md.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Literal, NamedTuple, get_args

from system.contract.ids import INT8_MAX

Currency = Literal["fen", "card:1", "card:2", "card:3", "card:4", "card:5", "blessing"]
CURRENCIES: tuple[Currency, ...] = get_args(Currency)
CARDS: tuple[Currency, ...] = CURRENCIES[1:6]

_NUMBER = r"(?:0|[1-9]\d{0,18})"
_USER = re.compile(f"user:({_NUMBER})")
_FLOOR = re.compile(rf"user:{_NUMBER}|share:{_NUMBER}-{_NUMBER}|(?:fund|payout|fission|issue|pot|rounding):{_NUMBER}")
_NO_FLOOR = re.compile(rf"(?:sponsor|mint|suspense):{_NUMBER}|platform:[a-z][a-z_]{{0,31}}")


class Leg(NamedTuple):
    """A part of a transfer: so much of a currency into an account, or out of it (below 0)."""

    account: str
    currency: Currency
    amount: int


def user(uid: int) -> str:
    """The account of a user."""
    return f"user:{uid}"


def fund(uid: int) -> str:
    """What a user has in the money fund, at one yuan a part."""
    return f"fund:{uid}"


def payout(uid: int) -> str:
    """What a user has ordered to be paid out, and the bank has not answered yet."""
    return f"payout:{uid}"


def suspense(round_id: int) -> str:
    """By this account money that the draw holds of a round is settled."""
    return f"suspense:{round_id}"


def owner(account: str) -> int | None:
    """The uid whose account it is; None for an account of another kind."""
    match = _USER.fullmatch(account)
    return None if match is None else int(match[1])


def has_floor(account: str) -> bool:
    """Whether the account may not go below 0. Raises ValueError for a text that names no account."""
    if _FLOOR.fullmatch(account):
        return True
    if _NO_FLOOR.fullmatch(account):
        return False
    raise ValueError(f"no account {account!r}; expected one of docs/season.md")


def balanced(legs: Iterable[Leg]) -> tuple[Leg, ...]:
    """The legs, one for each account and currency, in the order of their bytes. Raises ValueError where they do not
    add up to 0 in each currency, where nothing is moved, and for an amount that the ledger cannot keep.
    """
    sums: Counter[tuple[str, Currency]] = Counter()
    totals: Counter[Currency] = Counter()
    for account, currency, amount in legs:
        if currency not in CURRENCIES:
            raise ValueError(f"no currency {currency!r}; expected one of {', '.join(CURRENCIES)}")
        has_floor(account)
        sums[account, currency] += amount
        totals[currency] += amount
    if wrong := sorted(f"{total:+} {currency}" for currency, total in totals.items() if total):
        raise ValueError(f"the legs leave {', '.join(wrong)}; expected 0 of each currency")
    merged = tuple(Leg(*place, amount) for place, amount in sorted(sums.items(), key=_bytewise) if amount)
    if not merged:
        raise ValueError("the legs move nothing")
    if any(abs(leg.amount) > INT8_MAX for leg in merged):
        raise ValueError("an amount beyond 64 bits")
    return merged


def _bytewise(item: tuple[tuple[str, Currency], int]) -> tuple[bytes, bytes]:
    (account, currency), _ = item
    return account.encode(), currency.encode()


def negated(legs: Iterable[Leg]) -> tuple[Leg, ...]:
    """The legs that undo these."""
    return tuple(leg._replace(amount=-leg.amount) for leg in legs)
