"""The relation chain alone, for benchmarks: one word a line on standard input, one line of JSON for each.

`load`: made-up pairs into an empty relation chain, with every index; `copy`: a bare binary COPY of the same rows;
`add`: more pairs through the import; `talk`: interactions on ties that are there; `top`: the 20 strongest with their
explanation, as play answers them. A ledger that has ties is refused: it is in use.
"""

from __future__ import annotations

import argparse
import secrets
import sys
import time
from collections.abc import Mapping, Sequence

import numpy as np
import uvloop

from system.benching.asked import answer_lines
from system.ledger.access import Connection, Pool, connect, open_url, transaction
from system.ledger.interactions import Interaction, interact_all
from system.ledger.migrate import migrate
from system.play.ties import reading
from system.play.ties.ingest import Pairs, canonical, ingest
from system.play.ties.loading import END, HEAD, ROWS, load, rows
from system.play.ties.models import PAIRS_MAX

TIMEOUT_S = 120.0
PER_USER = 20
"""Ties of a user, on the average. Some have a hundred times as many: `made_up` draws them more often."""
UNEVEN = 1.5
TALK, TALKS = 2_000, 200_000
"""Interactions of a transaction, and altogether."""
BATCH, ADDED = PAIRS_MAX, 200_000
"""Pairs of a transaction of the import, as many as one request may bring, and altogether."""
TOP, QUESTIONS = 20, 2_000
_COLUMNS = b"(lo, hi, made_us, made_by, mutual, through, book)"
_EMPTY = b"TRUNCATE live.tie, live.tie_growth, live.interaction"


def made_up(chance: np.random.Generator, users: int, count: int) -> Pairs:
    """`count` pairs of two different users, shape (count, 2); the smaller a uid, the more often it comes."""
    pairs = (users * chance.random((count, 2)) ** UNEVEN).astype(np.int64)
    same = pairs[:, 0] == pairs[:, 1]
    pairs[same, 1] = (pairs[same, 1] + 1) % users
    return pairs


class BareRelations:
    """Measures one after the other; `load` begins anew each time."""

    def __init__(self, owner: Connection, conn: Connection, pool: Pool, pairs: int) -> None:
        self._owner, self._conn, self._pool = owner, conn, pool
        self._chance = np.random.default_rng(2016)
        self._users = max(2, 2 * pairs // PER_USER)
        self._pairs = made_up(self._chance, self._users, pairs)
        self._talked = 0

    async def load(self) -> float:
        """Pairs a second of the whole load: from the array to the COMMIT."""
        await self._owner.execute(_EMPTY)
        await self._owner.execute("CHECKPOINT")
        began = time.perf_counter()
        await load(self._owner, "live", self._pairs, time.time_ns() // 1000)
        return len(self._pairs) / (time.perf_counter() - began)

    async def copy(self) -> float:
        """Pairs a second of a bare COPY of the rows just loaded, one transaction; no index."""
        ties, book = canonical(self._pairs)
        await self._owner.execute("CREATE TABLE live.bare (LIKE live.tie)")
        await self._owner.execute("CHECKPOINT")
        parts = [rows(ties[at : at + ROWS], book[at : at + ROWS], 1) for at in range(0, len(ties), ROWS)]
        began = time.perf_counter()
        text = b"COPY live.bare " + _COLUMNS + b" FROM STDIN (FORMAT binary)"
        async with transaction(self._owner), self._owner.cursor() as cursor, cursor.copy(text) as copy:
            await copy.write(HEAD)
            for part in parts:
                await copy.write(part)
            await copy.write(END)
        took = time.perf_counter() - began
        await self._owner.execute("DROP TABLE live.bare")
        return len(self._pairs) / took

    async def add(self) -> float:
        """Pairs a second through the import, on top of what is there, in transactions of a batch."""
        made = made_up(self._chance, self._users, min(ADDED, len(self._pairs)))
        began = time.perf_counter()
        for at in range(0, len(made), BATCH):
            async with transaction(self._conn):
                await ingest(self._conn, "live", made[at : at + BATCH], time.time_ns() // 1000)
        return len(made) / (time.perf_counter() - began)

    async def talk(self) -> float:
        """Interactions a second, by `TALK` in a transaction, on some of the ties."""
        some = self._chance.permutation(self._pairs[:: max(1, len(self._pairs) // TALKS)])
        now_us = time.time_ns() // 1000
        kinds = self._chance.choice(["contact", "transfer", "gift", "claim", "card"], len(some))
        began = time.perf_counter()
        for at in range(0, len(some), TALK):
            calls = [
                Interaction(f"bench:{self._talked + k}", str(kind), int(one), int(other), now_us)  # type: ignore[arg-type]
                for k, (kind, (one, other)) in enumerate(zip(kinds[at : at + TALK], some[at : at + TALK], strict=True))
            ]
            async with transaction(self._conn):
                await interact_all(self._conn, "live", calls)
            self._talked += len(calls)
        return len(some) / (time.perf_counter() - began)

    async def top(self) -> dict[str, float]:
        """ms of many questions, one after the other, each by somebody else; who has more friends asks more often."""
        await self._owner.execute("ANALYZE live.tie")
        asking = made_up(self._chance, self._users, max(1, min(QUESTIONS, len(self._pairs) // 10)))[:, 0]
        took, looked_at, wrong = [], [], 0
        for uid in asking:
            began = time.perf_counter()
            found = await reading.relations(self._pool, "live", int(uid), top=TOP, friend=None, explain=True)
            found.model_dump_json()
            took.append(1000 * (time.perf_counter() - began))
            looked_at.append(found.looked_at)
            wrong += sum(sum(term.adds for term in each.terms or ()) != each.score for each in found.relations)
        if wrong:
            raise RuntimeError(f"{wrong} scores are not the sum of their terms")
        count = await (await self._conn.execute("SELECT count(*) FROM live.tie")).fetchall()
        p50, p99 = np.percentile(took, (50, 99))
        return {
            "p50_ms": round(float(p50), 3), "p99_ms": round(float(p99), 3), "max_ms": round(max(took), 3),
            "questions": len(took), "ties": count[0][0], "looked_at_mean": round(float(np.mean(looked_at)), 1),
            "looked_at_max": max(looked_at),
        }  # fmt: skip


async def _serve(url: str, pairs: int) -> int:
    secret = secrets.token_bytes(32)
    await migrate(url, secret)
    owner = await open_url(url, name="xiu-bare", timeout_s=TIMEOUT_S)
    conn = await connect(url, "xiu_live", secret, timeout_s=TIMEOUT_S)
    pool = Pool(url, "xiu_live", secret, timeout_s=TIMEOUT_S)
    async with owner, conn:
        found = await (await conn.execute("SELECT count(*) FROM live.tie")).fetchall()
        if found[0][0]:
            print("bare: the ledger has ties; expected an empty one", file=sys.stderr)
            return 2
        bare = BareRelations(owner, conn, pool, pairs)
        rates = {"load": bare.load, "copy": bare.copy, "add": bare.add, "talk": bare.talk}

        async def measured(name: str) -> Mapping[str, object]:
            return await bare.top() if name == "top" else {"rate": await rates[name]()}

        await answer_lines(measured)
        await pool.close()
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point. `--postgres` is the superuser's URL, of a ledger nobody uses."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--postgres", required=True)
    parser.add_argument("--pairs", type=int, required=True)
    options = parser.parse_args(argv)
    return uvloop.run(_serve(options.postgres, options.pairs))


if __name__ == "__main__":
    sys.exit(main())
