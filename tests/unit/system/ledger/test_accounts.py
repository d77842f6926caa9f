"""Accounts and legs: what is a text of an account, who has a floor, what adds up."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from system.ledger.accounts import CARDS, Leg, balanced, has_floor, negated, owner, user


@pytest.mark.parametrize(
    "account", ["user:0", "user:400000000", "share:1-0", "fission:3", "issue:1", "pot:1", "rounding:2"]
)
def test_accounts_with_a_floor(account: str) -> None:
    assert has_floor(account)


@pytest.mark.parametrize("account", ["sponsor:7", "platform:spent", "mint:1"])
def test_accounts_without(account: str) -> None:
    assert not has_floor(account)


@pytest.mark.parametrize(
    "account",
    ["", "user:", "user:-1", "user:01", "user:1 ", "user:1\n", "USER:1", "user:٣", "bank:1", "platform:A", "share:1"],
)
def test_what_names_no_account(account: str) -> None:
    with pytest.raises(ValueError, match="no account"):
        has_floor(account)


def test_whose_account() -> None:
    assert owner(user(12)) == 12
    assert owner("share:1-2") is None


def test_legs_of_one_account_are_one_and_stand_bytewise() -> None:
    legs = [Leg("user:9", "fen", 5), Leg("user:10", "fen", -3), Leg("user:10", "fen", -2), Leg("user:9", "card:1", 0)]
    assert balanced(legs) == (Leg("user:10", "fen", -5), Leg("user:9", "fen", 5))


@pytest.mark.parametrize(
    ("legs", "says"),
    [
        ([Leg("user:1", "fen", 5)], r"leave \+5 fen"),
        ([Leg("user:1", "fen", 5), Leg("user:2", "card:1", -5)], r"leave \+5 fen, -5 card:1"),
        ([], "move nothing"),
        ([Leg("user:1", "fen", 5), Leg("user:1", "fen", -5)], "move nothing"),
        ([Leg("user:1", "fen", 1 << 63), Leg("user:2", "fen", -(1 << 63))], "beyond 64 bits"),
        ([Leg("user:1", "card:6", 1), Leg("user:2", "card:6", -1)], "no currency"),  # type: ignore[list-item]
        ([Leg("nobody", "fen", 1), Leg("user:2", "fen", -1)], "no account"),
    ],
)
def test_legs_that_cannot_be(legs: list[Leg], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        balanced(legs)


@given(
    st.lists(
        st.tuples(st.integers(0, 20), st.integers(0, 20), st.sampled_from(["fen", *CARDS]), st.integers(1, 1 << 40)),
        min_size=1,
    )
)
def test_any_moves_add_up_and_their_negation_undoes_them(moves: list[tuple[int, int, str, int]]) -> None:
    legs = [
        leg
        for giver, taker, currency, amount in moves
        for leg in (Leg(user(giver), currency, -amount), Leg(user(taker), currency, amount))  # type: ignore[arg-type]
    ]
    moved: Counter[tuple[str, str]] = Counter()
    for account, currency, amount in legs:
        moved[account, currency] += amount
    if not any(moved.values()):
        return
    made = balanced(legs)
    assert {leg[:2]: leg.amount for leg in made} == {place: amount for place, amount in moved.items() if amount}
    assert list(made) == sorted(made, key=lambda leg: (leg.account.encode(), leg.currency.encode()))
    with pytest.raises(ValueError, match="move nothing"):
        balanced((*made, *negated(made)))
