"""What people do in a season, step by step, each story beside the others. A story ends where a step of it was not done.

Owns the orders and their keys. A user's key is the run's and the round's: the ledger adds the user.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass

from harness.forecast.season import GIFTS
from harness.season.asking import SeasonAsker
from harness.season.script import CardGift, PlannedShare, SeasonScript, SeenWin, TicketHolder, gifts_of
from system.contract.ids import award_id

TWICE_ONE_IN = 10
"""Of so many claims one is sent once more: the same part is shown again."""


@dataclass(frozen=True, slots=True)
class Stories:
    """Those of one round. `key`: begins each order's key; letters, digits, `-` and `_`, at most 40 of them."""

    ask: SeasonAsker
    season: int
    round: int
    key: str

    async def all(self, script: SeasonScript) -> None:
        """Every story, side by side; what was done is in the asker's `outcomes`."""
        await together(
            *(self.shared(share) for share in script.shares),
            *(self.befriended(*pair) for pair in script.friends),
            *(self.gathered(family) for family in script.families),
            *(self.spent(win) for win in script.spenders),
            *(self.bought(win) for win in script.buyers),
        )

    async def shared(self, share: PlannedShare) -> None:
        """A winner opens a share, and friends claim it through its link."""
        order = {"award": award_id(self.round, share.win.packet)}
        link = (await self.ask.ask("share", share.win.uid, "/v1/shares", order)).get("link")
        if isinstance(link, str):
            await together(*(self.claimed(link, uid) for uid in share.friends))

    async def claimed(self, link: str, uid: int) -> None:
        """A friend's part, and for some of them again."""
        had = await self.ask.ask("claim", uid, "/v1/shares/claim", {"link": link})
        if had and uid % TWICE_ONE_IN == 0:
            await self.ask.ask("claim", uid, "/v1/shares/claim", {"link": link})

    async def befriended(self, one: int, other: int) -> None:
        """Two add each other, and each gets a card for the tie."""
        for who, whom in ((one, other), (other, one)):
            answer = await self.ask.ask("friend", who, "/v1/friends", {"friend": whom})
        if answer.get("state") != "tied":
            return
        await together(
            *(
                self.ask.ask("tie_card", who, "/v1/cards/tie", {"season": self.season, "friend": whom})
                for who, whom in ((one, other), (other, one))
            )
        )

    async def gathered(self, family: Sequence[TicketHolder]) -> None:
        """All redeem their tickets; the first asks for the kinds that are missing, is given them, and combines."""
        cards = await asyncio.gather(*(self.redeemed(holder) for holder in family))
        held = [(holder.uid, kind) for holder, kind in zip(family, cards, strict=True) if kind is not None]
        if not held or held[0][0] != family[0].uid:
            return
        gatherer = family[0].uid
        given = await asyncio.gather(*(self.given(gift, gatherer) for gift in gifts_of(held)))
        if sum(given) == GIFTS:
            order = {"key": self.key, "season": self.season}
            await self.ask.ask("combine", gatherer, "/v1/cards/combine", order)

    async def redeemed(self, holder: TicketHolder) -> int | None:
        """The kind of the card that came."""
        answer = await self.ask.ask("redeem", holder.uid, "/v1/cards/redeem", {"ticket": holder.ticket})
        kind = answer.get("kind")
        return kind if isinstance(kind, int) else None

    async def given(self, gift: CardGift, to: int) -> bool:
        """One of the family is asked for a card, and gives it."""
        wish = {"season": self.season, "friend": gift.giver, "kind": gift.kind}
        ask = (await self.ask.ask("ask", to, "/v1/cards/ask", wish)).get("ask")
        if not isinstance(ask, int):
            return False
        order = {
            "key": f"{self.key}-{gift.kind}", "season": self.season, "to": to, "kind": gift.kind, "whom": "family",
            "ask": ask,
        }  # fmt: skip
        return bool(await self.ask.ask("gift", gift.giver, "/v1/cards/gift", order))

    async def spent(self, win: SeenWin) -> None:
        """A part of what was won is spent, after a look at the balance."""
        await self.ask.ask("wallet", win.uid, f"/v1/wallet?award={award_id(self.round, win.packet)}")
        order = {"key": f"{self.key}-spend", "fen": win.part_fen, "what": "tangyuan"}
        await self.ask.ask("spend", win.uid, "/v1/wallet/spend", order)

    async def bought(self, win: SeenWin) -> None:
        """A part of what was won goes into the money fund."""
        order = {"key": f"{self.key}-fund", "fen": win.part_fen}
        await self.ask.ask("purchase", win.uid, "/v1/fund/purchase", order)

    async def holders(self, buyers: Sequence[SeenWin]) -> int:
        """Of these buyers, the ones who have in the fund what they bought, by the ledger."""
        answer = await asyncio.gather(*(self.ask.ask("fund", win.uid, "/v1/fund") for win in buyers))
        has = [one.get("fen") for one in answer]
        return sum(isinstance(fen, int) and fen >= win.part_fen for win, fen in zip(buyers, has, strict=True))


async def together(*stories: Awaitable[object]) -> None:
    """All of them to their end."""
    await asyncio.gather(*stories)
