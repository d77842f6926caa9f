"""A credit worker alone, for benchmarks: reads `post` or `copy` on standard input, answers with a line with the rate.

Worker, stream, ledger and indexes are the real ones; `made.py` stands in for control and front. A ledger that has
rounds is refused: it is in use.
"""

from __future__ import annotations

import argparse
import secrets
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import uvloop
from prometheus_client import CollectorRegistry

from system.benching import made
from system.benching.asked import answer_rates
from system.contract.ids import Position, StreamName
from system.credit.metrics import CreditMetrics
from system.credit.reading import Chunk
from system.credit.rows import copy_rows
from system.credit.switches import Switches
from system.credit.verify import prepare
from system.credit.worker import Worker
from system.ledger.access import Connection, open_url, transaction
from system.ledger.migrate import migrate
from system.lottery import Round
from system.settings import CreditSettings
from system.winlog import WinLogStore

TIMEOUT_S = 60.0
_COPY = b"COPY live.bare FROM STDIN (FORMAT binary)"


@dataclass(frozen=True, slots=True)
class Portions:
    """How many awards in one measure; records of one entry of the stream, and of one transaction."""

    awards: int
    entry: int
    batch: int


class Bare:
    """Measures one after the other, a round each."""

    def __init__(self, settings: CreditSettings, conn: Connection, store: WinLogStore, portions: Portions) -> None:
        self._settings, self._conn, self._store, self._portions = settings, conn, store, portions
        self._chance = np.random.default_rng(2016)
        self._metrics = CreditMetrics(CollectorRegistry(), settings.lane)
        self._last: tuple[Round, made.Records] | None = None

    async def post(self) -> float:
        """Postings a second, from a full stream to the commit of its last batch."""
        number = self._last[0].round_id + 1 if self._last else 1
        round_, records = self._last = made.draw(number, self._portions.awards, self._chance)
        await made.arm(self._conn, round_)
        log = self._store.stream(made.CELL, made.LANE, round_.round_id, made.FRONT)
        end = await made.fill(log, round_, records, self._portions.entry)
        switches = Switches(self._settings.control_url, "", made.LANE)
        switches.values["credit.batch_max"] = self._portions.batch
        worker = Worker(self._settings, self._store, self._metrics, switches)
        await worker.once()  # connects; nothing is granted yet
        await made.grant(self._conn, round_)
        await self._conn.execute("CHECKPOINT")
        name = StreamName(made.LANE, round_.round_id, made.FRONT)
        began = time.perf_counter()
        while (await worker.once()).get(name, Position(0, 0)) < end:
            pass
        took = time.perf_counter() - began
        await self._proven(round_)
        await worker.close()
        return self._portions.awards / took

    async def _proven(self, round_: Round) -> None:
        """Every award posted, with the whole budget; then the round is closed, so that no later pass reads it."""
        params = {"round": round_.round_id}
        rows = await self._conn.execute(
            b"SELECT count(*), sum(fen)::bigint FROM live.posting WHERE round = %(round)s", params
        )
        found = (await rows.fetchall())[0]
        if found != (round_.packets, round_.budget_fen):
            raise RuntimeError(f"posted {found}; expected {(round_.packets, round_.budget_fen)}")
        await self._conn.execute(b"UPDATE live.round SET state = 'closed' WHERE round = %(round)s", params)

    async def copy(self) -> float:
        """Rows a second of a bare COPY: the rows just posted, in the same batches, a transaction each; no index."""
        if self._last is None:
            raise RuntimeError("nothing was posted yet")
        round_, records = self._last
        size = self._portions.batch
        batches = [self._rows(round_, records[at : at + size], at) for at in range(0, len(records), size)]
        await self._conn.execute("DROP TABLE IF EXISTS live.bare")
        await self._conn.execute("CREATE TABLE live.bare (LIKE live.posting)")
        await self._conn.execute("CHECKPOINT")
        began = time.perf_counter()
        for batch in batches:
            async with transaction(self._conn), self._conn.cursor() as cursor, cursor.copy(_COPY) as copy:
                await copy.write(batch)
        took = time.perf_counter() - began
        rows = await (await self._conn.execute("SELECT count(*) FROM live.bare")).fetchall()
        if rows[0][0] != round_.packets:
            raise RuntimeError(f"{rows[0][0]} rows copied; expected {round_.packets}")
        await self._conn.execute("DROP TABLE live.bare")
        return self._portions.awards / took

    def _rows(self, round_: Round, records: made.Records, number: int) -> bytes:
        none = np.zeros(len(records), dtype=np.int64)
        chunk = Chunk(Position(made.EPOCH, 0), Position(made.EPOCH, 1), records, none, none, none)
        ready = prepare(chunk, round_, made.LANE)
        return copy_rows(ready, ready.by_user, round_.round_id, made.FRONT, number)


async def empty(conn: Connection) -> bool:
    """Is this ledger unused?"""
    rows = await (await conn.execute("SELECT count(*) FROM live.round")).fetchall()
    return bool(rows[0][0] == 0)


async def _serve(settings: CreditSettings, portions: Portions) -> int:
    await migrate(settings.postgres_url, settings.secret)
    conn = await open_url(settings.postgres_url, name="xiu-bare")
    async with conn, WinLogStore(settings.valkey_url, timeout_s=TIMEOUT_S) as store:
        if not await empty(conn):
            print("bare: the ledger has rounds; expected an empty one", file=sys.stderr)
            return 2
        bare = Bare(settings, conn, store, portions)
        measures = {"post": bare.post, "copy": bare.copy}
        await answer_rates(measures)
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point. `--postgres` is the superuser's URL, of a ledger nobody uses."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--postgres", required=True)
    parser.add_argument("--valkey", required=True)
    parser.add_argument("--awards", type=int, default=1_000_000)
    parser.add_argument("--entry", type=int, default=64, help="records of one entry of the stream")
    parser.add_argument("--batch", type=int, default=50_000, help="records of one transaction")
    options = parser.parse_args(argv)
    settings = CreditSettings(
        cell=made.CELL,
        lane=made.LANE,
        metrics_listen=("127.0.0.1", 0),
        postgres_url=options.postgres,
        valkey_url=options.valkey,
        control_url="",
        secret=secrets.token_bytes(32),
        store_timeout_s=TIMEOUT_S,
    )
    return uvloop.run(_serve(settings, Portions(options.awards, options.entry, options.batch)))


if __name__ == "__main__":
    sys.exit(main())
