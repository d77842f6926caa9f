"""What people do, step by step: each body is one that play reads, and a story ends where a step was not done."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from typing import Any, cast

import pytest
from pydantic import BaseModel

from harness.season.asking import SeasonAsker
from harness.season.script import PlannedShare, SeasonScript, SeenWin, TicketHolder
from harness.season.stories import Stories
from system.play.cards import models as cards
from system.play.fission.models import ClaimOrder, ShareOrder
from system.play.fund.models import FundOrder
from system.play.ties.models import FriendRequest
from system.play.wallet.models import Spending

BODIES: dict[str, type[BaseModel]] = {
    "/v1/shares": ShareOrder, "/v1/shares/claim": ClaimOrder, "/v1/friends": FriendRequest,
    "/v1/cards/tie": cards.TieCard, "/v1/cards/redeem": cards.Redeeming, "/v1/cards/ask": cards.CardAsk,
    "/v1/cards/gift": cards.Gift, "/v1/cards/combine": cards.Combining, "/v1/wallet/spend": Spending,
    "/v1/fund/purchase": FundOrder,
}  # fmt: skip
SHARE = PlannedShare(SeenWin(3, 17, 88), (20, 31, 40))
FAMILY = tuple(TicketHolder(uid, f"t{uid}") for uid in range(1, 7))


class Play:
    """Answers as play does, to orders that it would read. `no`: operations that are refused."""

    def __init__(self, no: frozenset[str] = frozenset(), kinds: Mapping[int, int] | None = None) -> None:
        self.no, self.kinds = no, kinds or {}
        self.asked: list[tuple[str, int]] = []
        self.orders: list[dict[str, Any]] = []

    async def ask(self, operation: str, uid: int, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        self.asked.append((operation, uid))
        if body is not None:
            self.orders.append(BODIES[path].model_validate(body, strict=True).model_dump())
        if operation in self.no:
            return {}
        return {
            "link": "17.1.ff", "state": "tied" if self.asked.count(("friend", 2)) else "asked",
            "kind": self.kinds.get(uid), "ask": 5, "fen": 22,
        }  # fmt: skip

    def count(self) -> Counter[str]:
        return Counter(operation for operation, _ in self.asked)


def played(script: SeasonScript, play: Play) -> Counter[str]:
    asyncio.run(Stories(cast(SeasonAsker, play), 3, 9, "s3-r9").all(script))
    return play.count()


def test_a_share_and_its_friends_and_one_in_ten_of_them_again() -> None:
    play = Play()
    assert played(SeasonScript(shares=(SHARE,)), play) == {"share": 1, "claim": 5}
    assert play.orders[0] == {"award": "9-17"}
    assert Counter(play.asked)["claim", 20] == Counter(play.asked)["claim", 40] == 2
    assert played(SeasonScript(shares=(SHARE,)), Play(frozenset({"share"}))) == {"share": 1}
    assert played(SeasonScript(shares=(SHARE,)), Play(frozenset({"claim"}))) == {"share": 1, "claim": 3}


def test_two_friends_and_a_card_for_each() -> None:
    play = Play()
    assert played(SeasonScript(friends=((1, 2),)), play) == {"friend": 2, "tie_card": 2}
    assert play.asked[:2] == [("friend", 1), ("friend", 2)]
    assert played(SeasonScript(friends=((1, 9),)), Play()) == {"friend": 2}, "not tied, no card"


def test_a_family_gathers_five_cards_and_combines() -> None:
    play = Play(kinds={1: 3, 2: 1, 3: 3, 4: 2, 5: 4, 6: 5})
    assert played(SeasonScript(families=(FAMILY,)), play) == {"redeem": 6, "ask": 4, "gift": 4, "combine": 1}
    gifts = [order for order in play.orders if "whom" in order]
    assert {(order["kind"], order["to"], order["ask"]) for order in gifts} == {(kind, 1, 5) for kind in (1, 2, 4, 5)}
    assert len({order["key"] for order in gifts}) == 4
    assert ("combine", 1) in play.asked


@pytest.mark.parametrize(
    ("kinds", "no", "steps"),
    [
        pytest.param({1: 3, 2: 1}, "", {"redeem": 6, "ask": 1, "gift": 1}, id="kinds are missing"),
        pytest.param({2: 1, 3: 2}, "", {"redeem": 6}, id="the gatherer has no card"),
        pytest.param({1: 3, 2: 1, 3: 2, 4: 4, 5: 5}, "ask", {"redeem": 6, "ask": 4}, id="nobody is asked"),
        pytest.param({1: 3, 2: 1, 3: 2, 4: 4, 5: 5}, "gift", {"redeem": 6, "ask": 4, "gift": 4}, id="nobody gives"),
    ],
)
def test_where_a_family_stops(kinds: dict[int, int], no: str, steps: dict[str, int]) -> None:
    assert played(SeasonScript(families=(FAMILY,)), Play(frozenset({no}), kinds)) == steps


def test_a_part_of_the_win_is_spent_and_another_buys_the_fund() -> None:
    win, play = SeenWin(3, 17, 88), Play()
    assert played(SeasonScript(spenders=(win,), buyers=(win,)), play) == {"wallet": 1, "spend": 1, "purchase": 1}
    assert sorted((order["key"], order["fen"]) for order in play.orders) == [("s3-r9-fund", 22), ("s3-r9-spend", 22)]


def test_who_has_in_the_fund_what_he_bought() -> None:
    stories = Stories(cast(SeasonAsker, Play()), 3, 9, "k")
    assert asyncio.run(stories.holders([SeenWin(3, 1, 88), SeenWin(4, 2, 92)])) == 1
    assert asyncio.run(Stories(cast(SeasonAsker, Play(frozenset({"fund"}))), 3, 9, "k").holders([SHARE.win])) == 0
