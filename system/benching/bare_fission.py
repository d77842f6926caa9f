"""Claims alone, for benchmarks: reads `spread`, `spread_bare`, `hot` or `hot_bare` on standard input, answers with a
line with the rate.

Desk, statements and tables are the real ones; what is bare is one transaction a claim, sent by psycopg itself. Shares
are paid by nobody. A ledger that has rounds is refused: it is in use.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import random
import secrets
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import psycopg
import uvloop
from psycopg.types.json import Jsonb

from system.benching.asked import answer_rates
from system.benching.bare_credit import empty
from system.benching.made import LANE
from system.ledger.access import Connection, Pool, lane_role, open_url, role_url, transaction
from system.ledger.accounts import Leg
from system.ledger.interactions import HALF_LIVES_US, LANDMARK_US
from system.ledger.many import transfer_many
from system.ledger.migrate import migrate
from system.ledger.statements import statement
from system.ledger.transfer import Order
from system.play.fission.desk import SERVED_AT_ONCE, ClaimDesk
from system.play.fission.links import ShareLink
from system.play.fission.split import parts_of

TIMEOUT_S = 60.0
ROUND, OWNER, CLAIM = 1, 1, 4
WAITING = 64
"""Users whose claims of different links are under way at the same time."""
_CLAIMS = ("claim_seen", "claim_lock_share", "claim_take", "claim_count")
_MOVES = ("transfer_open_holdings", "transfer_lock_holdings", "transfer_move", "transfer_write_many")
_TEXTS = {name: statement(name, LANE) for name in (*_CLAIMS, *_MOVES, "interactions_count")}


@dataclass(frozen=True, slots=True)
class ShareSizes:
    """How many links with how many parts each, and the parts of the hot one."""

    links: int
    parts: int
    hot: int


class BareShares:
    """Measures one after the other, each on shares of its own, every part claimed by another user."""

    def __init__(self, pool: Pool, owner: Connection, bare: Sequence[Connection], sizes: ShareSizes) -> None:
        self._pool, self._owner, self._bare, self._sizes = pool, owner, bare, sizes
        self._numbers, self._uids = itertools.count(), itertools.count(1000)
        self._chance = random.Random(2016)

    async def spread(self) -> float:
        """Claims a second of many links, through the desk."""
        return await self._through_the_desk(self._sizes.links, self._sizes.parts, WAITING)

    async def spread_bare(self) -> float:
        """The same, one bare transaction a claim."""
        return await self._one_by_one(self._sizes.links, self._sizes.parts)

    async def hot(self) -> float:
        """Claims a second of one link that everybody asks for at once, through the desk."""
        return await self._through_the_desk(1, self._sizes.hot, self._sizes.hot)

    async def hot_bare(self) -> float:
        """The same, one bare transaction a claim."""
        return await self._one_by_one(1, self._sizes.hot)

    async def _through_the_desk(self, links: int, parts: int, waiting: int) -> float:
        wanted, awards = await self._made(links, parts)
        desk = ClaimDesk(self._pool, LANE, patience_s=TIMEOUT_S)
        serving = asyncio.create_task(desk.run())

        async def claims() -> None:
            while wanted:
                award, uid = wanted.pop()
                await desk.claim(ShareLink(award, 0), uid)

        try:
            return await self._timed(claims, waiting, awards, links * parts)
        finally:
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)

    async def _one_by_one(self, links: int, parts: int) -> float:
        wanted, awards = await self._made(links, parts)
        free = list(self._bare)

        async def claims() -> None:
            conn = free.pop()
            while wanted:
                await _claim(conn, *wanted.pop())

        return await self._timed(claims, len(free), awards, links * parts)

    async def _timed(self, work: Callable[[], Awaitable[None]], times: int, awards: list[str], claims: int) -> float:
        await self._owner.execute("CHECKPOINT")
        began = time.perf_counter()
        await asyncio.gather(*(work() for _ in range(times)))
        took = time.perf_counter() - began
        await self._proven(awards, claims)
        return claims / took

    async def _made(self, links: int, parts: int) -> tuple[list[tuple[str, int]], list[str]]:
        """Open shares, and who wants a part of which, in an order of chance."""
        awards = [f"{ROUND}-{next(self._numbers)}" for _ in range(links)]
        fen = parts * 200
        legs = {award: (Leg("platform:bench", "fen", -fen), Leg(f"share:{award}", "fen", fen)) for award in awards}
        async with transaction(self._owner):
            for award in awards:
                amounts = parts_of(fen, parts, secrets.token_bytes(32))
                columns = {
                    "award": award, "round": ROUND, "uid": OWNER, "parts": amounts,
                    "key_id": 0, "opened_us": 0, "expires_us": 1 << 60,
                }  # fmt: skip
                await self._owner.execute(statement("share_open", LANE), columns)
            orders = [Order("share", f"share:{award}", {}, legs[award]) for award in awards]
            await transfer_many(self._owner, LANE, orders)
        wanted = [(award, next(self._uids)) for award in awards for _ in range(parts)]
        self._chance.shuffle(wanted)
        return wanted, awards

    async def _proven(self, awards: list[str], claims: int) -> None:
        """Every part is out, each once, and the shares hold nothing any more."""
        params = {"awards": awards, "accounts": [f"share:{award}" for award in awards]}
        rows = await self._owner.execute(
            b"SELECT (SELECT count(*) FROM live.claim WHERE award = ANY(%(awards)s)),"
            b" (SELECT count(*) FROM live.share WHERE award = ANY(%(awards)s) AND settled_us IS NOT NULL),"
            b" (SELECT sum(amount) FROM live.holding WHERE account = ANY(%(accounts)s))",
            params,
        )
        found = await rows.fetchone()
        if found != (claims, len(awards), 0):
            raise RuntimeError(f"claims, settled shares, fen left: {found}; expected {(claims, len(awards), 0)}")


async def _claim(conn: Connection, award: str, uid: int) -> None:
    """What the desk asks of PostgreSQL for one claim, statement by statement."""

    async def ask(name: str, **params: object) -> list[tuple[object, ...]]:
        cursor = await conn.execute(_TEXTS[name], params)
        return await cursor.fetchall() if cursor.description else []

    await ask("claim_seen", award=award, uids=[uid])
    async with conn.transaction():
        await ask("claim_lock_share", award=award)
        ((_, fen, at_us, _),) = await ask("claim_take", award=award, uids=[uid])
        assert isinstance(fen, int)
        key = f"claim:{award}:{uid}"
        legs = {
            "accounts": [f"share:{award}", f"user:{uid}"], "currencies": ["fen", "fen"], "amounts": [-fen, fen],
            "uids": [None, uid],
        }  # fmt: skip
        for name in _MOVES[:3]:
            await ask(name, **legs)
        order = {"kinds": ["claim"], "keys": [key], "requests": [Jsonb({})], "of_keys": [key, key]}
        await ask("transfer_write_many", **legs, **order)
        await ask("claim_count", award=award, claims=1, at_us=at_us)
        await ask(
            "interactions_count", keys=[key], kinds=[CLAIM], froms=[uid], tos=[OWNER], times=[at_us],
            half_lives_us=list(HALF_LIVES_US), landmark_us=LANDMARK_US,
        )  # fmt: skip


async def _serve(url: str, sizes: ShareSizes) -> int:
    secret = secrets.token_bytes(32)
    await migrate(url, secret)
    role = lane_role(LANE)
    bare = [
        await psycopg.AsyncConnection.connect(role_url(url, role, secret), autocommit=True)
        for _ in range(SERVED_AT_ONCE)
    ]
    pool = Pool(url, role, secret, timeout_s=TIMEOUT_S)
    async with await open_url(url, name="xiu-bare") as owner:
        if not await empty(owner):
            print("bare: the ledger has rounds; expected an empty one", file=sys.stderr)
            return 2
        shares = BareShares(pool, owner, bare, sizes)
        measures = {
            "spread": shares.spread, "spread_bare": shares.spread_bare, "hot": shares.hot, "hot_bare": shares.hot_bare,
        }  # fmt: skip
        await answer_rates(measures)
    await pool.close()
    for conn in bare:
        await conn.close()
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point. `--postgres` is the superuser's URL, of a ledger nobody uses."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--postgres", required=True)
    parser.add_argument("--links", type=int, default=300)
    parser.add_argument("--parts", type=int, default=10, help="parts of each link")
    parser.add_argument("--hot", type=int, default=1000, help="parts of the hot link")
    options = parser.parse_args(argv)
    return uvloop.run(_serve(options.postgres, ShareSizes(options.links, options.parts, options.hot)))


if __name__ == "__main__":
    sys.exit(main())
