"""A round in which every packet is won, for the credit workers of several cells, for benchmarks. Reads commands on
standard input, answers each with a line of JSON.

`fill N`: a round over N cells stands in ledger and streams, nothing granted yet. `begin`: it is granted; answers once a
tenth is posted. `end`: answers once nine tenths are. `close`: answers once everything is posted and the books close.
The workers are the real ones, processes of their own; `made.py` stands in for control and fronts. A ledger that has
rounds is refused: it is in use.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Mapping, Sequence

import numpy as np
import uvloop

from system.benching import made
from system.benching.asked import answer_lines
from system.benching.bare_credit import empty
from system.ledger.access import Connection, open_url
from system.ledger.migrate import migrate
from system.lottery import Round
from system.settings import master_secret
from system.winlog import WinLogStore

TIMEOUT_S = 60.0
LOOK_S = 0.01
BEGUN, NEARLY = 0.1, 0.9
_POSTED = b"SELECT coalesce(sum(postings), 0)::bigint FROM live.batch WHERE round = %(round)s AND kind = 'credit'"
_MONEY = b"SELECT count(*), sum(fen)::bigint FROM live.posting WHERE round = %(round)s"
_CLOSE = b"UPDATE live.round SET state = 'closed' WHERE round = %(round)s"


class Rounds:
    """One round after the other from number `first` on, each of the same number of awards."""

    def __init__(
        self, conn: Connection, stores: Sequence[WinLogStore], awards: int, entry: int, first: int = 1
    ) -> None:
        self._conn, self._stores, self._awards, self._entry, self._next = conn, stores, awards, entry, first
        self._chance = np.random.default_rng(2016)
        self._round: Round | None = None
        self._cells = 0

    async def do(self, word: str, number: str = "1") -> int:
        """What a line says: `fill N`, `begin`, `end`, `close`."""
        if word == "fill":
            return await self.fill(int(number))
        return await {"begin": self.begin, "end": self.end, "close": self.close}[word]()

    async def fill(self, cells: int) -> int:
        """How many awards wait now."""
        number, self._next = self._next, self._next + 1
        self._round, records = made.draw(number, self._awards, self._chance)
        self._cells = cells
        await made.arm(self._conn, self._round, cells)
        for cell in range(cells):
            log = self._stores[cell].stream(cell, made.LANE, number, cell)
            await made.fill(log, self._round, records, self._entry, cell, cells)
        await self._conn.execute("CHECKPOINT")
        return self._awards

    async def begin(self) -> int:
        """How many are posted once the workers are well at work."""
        await made.grant(self._conn, self._known(), self._cells)
        return await self._reached(BEGUN)

    async def end(self) -> int:
        """How many are posted shortly before the end."""
        return await self._reached(NEARLY)

    async def close(self) -> int:
        """How many are posted. Raises RuntimeError when it is not every award, with the whole budget."""
        round_ = self._known()
        await self._reached(1.0)
        params = {"round": round_.round_id}
        found = (await (await self._conn.execute(_MONEY, params)).fetchall())[0]
        if found != (round_.packets, round_.budget_fen):
            raise RuntimeError(f"posted {found}; expected {(round_.packets, round_.budget_fen)}")
        await self._conn.execute(_CLOSE, params)
        return int(found[0])

    def _known(self) -> Round:
        if self._round is None:
            raise RuntimeError("no round was filled yet")
        return self._round

    async def _reached(self, share: float) -> int:
        params = {"round": self._known().round_id}
        async with asyncio.timeout(TIMEOUT_S):
            while True:
                posted = int((await (await self._conn.execute(_POSTED, params)).fetchall())[0][0])
                if posted >= share * self._awards:
                    return posted
                await asyncio.sleep(LOOK_S)


async def _serve(postgres: str, valkeys: Sequence[str], awards: int, entry: int) -> int:
    await migrate(postgres, master_secret(os.environ))
    stores = [WinLogStore(url, timeout_s=TIMEOUT_S) for url in valkeys]
    conn = await open_url(postgres, name="xiu-bare")
    try:
        if not await empty(conn):
            print("bare: the ledger has rounds; expected an empty one", file=sys.stderr)
            return 2
        rounds = Rounds(conn, stores, awards, entry)
        print(json.dumps({"posted": 0}), flush=True)

        async def done(line: str) -> Mapping[str, object]:
            return {"posted": await rounds.do(*line.split())}

        await answer_lines(done)
    finally:
        await conn.close()
        for store in stores:
            await store.close()
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point. `--postgres` is the superuser's URL, of a ledger nobody uses; `XIU_SECRET_FILE` as the workers'."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--postgres", required=True)
    parser.add_argument("--valkey", required=True, action="append", help="of each cell, in order")
    parser.add_argument("--awards", type=int, default=1_000_000)
    parser.add_argument("--entry", type=int, default=64, help="records of one entry of a stream")
    options = parser.parse_args(argv)
    return uvloop.run(_serve(options.postgres, options.valkey, options.awards, options.entry))


if __name__ == "__main__":
    sys.exit(main())
