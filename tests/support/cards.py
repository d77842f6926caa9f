"""Seasons in tests: opened over HTTP, tickets as a front writes them, the books afterwards."""

from __future__ import annotations

from typing import Any

import psycopg

from system.contract.ids import Lane
from system.ledger.access import Pool, lane_role
from system.ledger.migrate import migrate
from system.play.cards import moving, seasons
from system.play.cards.models import Combining, Gift, SeasonOrder
from system.play.cards.pot import pay_some
from system.tickets import Ticket, TicketOffice
from tests.support.play import ADMIN, SECRET, Caller, token

OFFICE = TicketOffice(SECRET)
SEASON = {"season": 3, "cards": [40, 30, 20, 9, 1], "pot_fen": 1000, "sponsor": 7}


def ticket(uid: int, second: int = 1, lane: Lane = "live", season: int = 3, key_id: int = 1) -> str:
    return OFFICE.write(Ticket(lane, season, 17, uid, second, key_id))


async def opened(play: Caller, **other: Any) -> dict[str, Any]:
    status, season = await play.call("/v1/seasons", ADMIN, SEASON | other)
    assert status == 200, season
    return dict(season)


async def ended(play: Caller, lane: Lane = "live", season: int = 3) -> dict[str, Any]:
    status, view = await play.call(f"/v1/seasons/{season}/end", ADMIN, {"lane": lane})
    assert status == 200, view
    return dict(view)


async def drawn(play: Caller, uid: int, second: int = 1) -> int:
    status, card = await play.call("/v1/cards/redeem", token(uid), {"ticket": ticket(uid, second)})
    assert status == 200, card
    return int(card["kind"])


async def set_of_five(play: Caller, uid: int, season: int = 3) -> None:
    """Draws cards, one a second, until the user has one of each kind."""
    second = 1
    while len(await held(play, uid)) < 5:
        await drawn(play, uid, second)
        second += 1


async def held(play: Caller, uid: int) -> dict[int, int]:
    """Kind → cards, of those that the user has."""
    status, told = await play.call("/v1/cards", token(uid))
    assert status == 200, told
    return {kind: count for kind, count in enumerate(told["cards"], 1) if count}


def deal(dsn: str, uid: int, lane: Lane = "live", kinds: tuple[int, ...] = (1, 2, 3, 4, 5)) -> None:
    """Cards in a user's hand without the counter: for tests in which their origin does not matter."""
    with psycopg.connect(dsn) as conn:
        for kind in kinds:
            conn.execute(
                f"INSERT INTO {lane}.holding VALUES ('user:{uid}', 'card:{kind}', 1) ON CONFLICT (account, currency)"
                " DO UPDATE SET amount = holding.amount + 1"
            )


class PlayedSeason:
    """A season of 35 cards without HTTP. User 1 draws 31, so three of each kind at least, and gives ten of them; users
    1 to 3 combine.
    """

    def __init__(self, dsn: str, lane: Lane = "live", pot_fen: int = 1000) -> None:
        self.dsn, self.lane, self.pot_fen = dsn, lane, pot_fen
        self.pool = Pool(dsn, lane_role(lane), SECRET)

    async def migrate(self) -> None:
        await migrate(self.dsn, SECRET)

    async def open(self) -> None:
        order = SeasonOrder(season=3, lane=self.lane, cards=(7, 7, 7, 7, 7), pot_fen=self.pot_fen, sponsor=7)
        await seasons.open_season(self.pool, order)

    async def play(self) -> None:
        await self.open()
        for second in range(31):
            await moving.redeem(self.pool, OFFICE, self.lane, 1, ticket(1, second, self.lane))
        for uid in (2, 3):
            for kind in range(1, 6):
                gift = Gift(key=f"{uid}-{kind}" if (uid, kind) != (2, 1) else "a", season=3, to=uid, kind=kind)
                await moving.give(self.pool, self.lane, 1, gift)
        for uid in (1, 2, 3):
            await moving.combine(self.pool, self.lane, uid, Combining(key="k", season=3))

    async def end(self) -> None:
        await seasons.end_season(self.pool, self.lane, 3, batch_users=2)
        while await pay_some(self.pool, self.lane):
            pass
