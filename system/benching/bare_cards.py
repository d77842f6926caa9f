"""Combinations alone, for benchmarks: reads `combine` or `bare` on standard input, answers with a line with the rate.

Tables, statements and locks are the real ones; the cards are put into the users' hands beforehand. `combine` is the
play's own code, `bare` sends the same statements through psycopg. A ledger that has seasons is refused: it is in use.
"""

from __future__ import annotations

import argparse
import asyncio
import secrets
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import psycopg
import uvloop
from psycopg.types.json import Jsonb

from system.benching.asked import answer_rates
from system.contract.ids import Lane
from system.ledger.access import Pool, lane_role, role_url
from system.ledger.accounts import CARDS, Leg, balanced, has_floor, user
from system.ledger.migrate import migrate
from system.ledger.statements import statement
from system.play.cards import models, moving, seasons

LANE: Lane = "live"
SEASON, PLENTY = 1, 1 << 28
SESSIONS = 4
"""As many as play has for a lane."""
TIMEOUT_S = 60.0
Session = psycopg.AsyncConnection[tuple[Any, ...]]


class BareCards:
    """Measures one after the other, users of its own each."""

    def __init__(self, url: str, secret: bytes, users: int) -> None:
        self._url, self._secret, self._users = url, secret, users
        self._next = 1
        self._pool = Pool(url, lane_role(LANE), secret, size=SESSIONS, timeout_s=TIMEOUT_S)

    async def open(self) -> None:
        """A season with cards for everybody. Raises RuntimeError if the ledger has one."""
        if (await seasons.season_list(self._pool, LANE)).seasons:
            raise RuntimeError("the ledger has seasons; expected an empty one")
        order = models.SeasonOrder(season=SEASON, cards=(PLENTY,) * 5, pot_fen=1_000_000, sponsor=1)
        await seasons.open_season(self._pool, order)

    async def combine(self) -> float:
        """Combinations a second of the play's code, as many at once as it has sessions."""

        async def one(uid: int) -> None:
            moved = await moving.combine(self._pool, LANE, uid, models.Combining(key="k", season=SEASON))
            if moved.state != "done" or moved.again:
                raise RuntimeError(f"user {uid}: {moved}")

        return await self._measured([one] * SESSIONS)

    async def bare(self) -> float:
        """The same of the statements alone, prepared by psycopg as it prepares the play's."""
        role = role_url(self._url, lane_role(LANE), self._secret)
        sessions = [await psycopg.AsyncConnection.connect(role, autocommit=True) for _ in range(SESSIONS)]
        try:
            return await self._measured([_combining(session) for session in sessions])
        finally:
            for session in sessions:
                await session.close()

    async def _measured(self, ways: Sequence[Callable[[int], Awaitable[None]]]) -> float:
        first, self._next = self._next, self._next + self._users
        await self._deal(first)
        waiting = iter(range(first, first + self._users))

        async def work(way: Callable[[int], Awaitable[None]]) -> None:
            for uid in waiting:
                await way(uid)

        began = time.perf_counter()
        await asyncio.gather(*map(work, ways))
        took = time.perf_counter() - began
        await self._proven(first)
        return self._users / took

    async def _deal(self, first: int) -> None:
        async with await psycopg.AsyncConnection.connect(self._url, autocommit=True) as conn:
            for card in CARDS:
                await conn.execute(
                    "INSERT INTO live.holding SELECT 'user:' || u, %s, 1 FROM generate_series(%s::int, %s::int) u",
                    (card, first, first + self._users - 1),
                )
            await conn.execute("VACUUM ANALYZE live.holding")
            await conn.execute("CHECKPOINT")

    async def _proven(self, first: int) -> None:
        rows = await self._pool.fetch(
            b"SELECT count(*) FROM live.holding WHERE currency = 'blessing' AND amount = 1 AND account = ANY(%s)",
            ([user(uid) for uid in range(first, first + self._users)],),
        )
        if rows != [(self._users,)]:
            raise RuntimeError(f"{rows[0][0]} blessings; expected {self._users}")


def _combining(session: Session) -> Callable[[int], Awaitable[None]]:
    async def one(uid: int) -> None:
        key, request = f"combine:{SEASON}:{uid}", {"season": SEASON, "key": "k"}
        cards = [
            Leg(account, card, sign) for card in CARDS for account, sign in ((user(uid), -1), (f"mint:{SEASON}", 1))
        ]
        legs = balanced((*cards, Leg(user(uid), "blessing", 1), Leg(f"mint:{SEASON}", "blessing", -1)))
        floored = [leg for leg in legs if has_floor(leg.account)]

        async def run(name: str, params: dict[str, Any]) -> list[tuple[Any, ...]]:
            cursor = await session.execute(statement(name, LANE), params)
            return await cursor.fetchall() if cursor.description else []

        await run("transfer_by_key", {"key": key})
        async with session.transaction():
            await run("cards_hold_season", {"season": SEASON})
            await run("transfer_lock_key", {"key": key})
            await run("transfer_by_key", {"key": key})
            columns = _columns(floored) | {"uids": [None for _ in floored]}
            await run("transfer_open_holdings", columns)
            await run("transfer_lock_holdings", columns)
            await run("transfer_move", columns)
            entry = {"kind": "combine", "key": key, "request": Jsonb(request), "reverses": None}
            await run("transfer_write", _columns(legs) | entry)

    return one


def _columns(legs: Sequence[Leg]) -> dict[str, Any]:
    accounts, currencies, amounts = zip(*legs, strict=True)
    return {"accounts": list(accounts), "currencies": list(currencies), "amounts": list(amounts)}


async def _serve(url: str, users: int) -> int:
    secret = secrets.token_bytes(32)
    await migrate(url, secret)
    bare = BareCards(url, secret, users)
    await bare.open()
    measures = {"combine": bare.combine, "bare": bare.bare}
    await answer_rates(measures)
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point. `--postgres` is the superuser's URL, of a ledger nobody uses."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--postgres", required=True)
    parser.add_argument("--users", type=int, default=4_000, help="combinations of one measure")
    options = parser.parse_args(argv)
    return uvloop.run(_serve(options.postgres, options.users))


if __name__ == "__main__":
    sys.exit(main())
