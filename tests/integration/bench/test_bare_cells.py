"""The played side of bench `credit-cells`, with workers in this process: what is won in each cell is posted."""

from __future__ import annotations

import asyncio

import psycopg
import pytest
from prometheus_client import CollectorRegistry

from system.benching.bare_cells import Rounds
from system.credit.metrics import CreditMetrics
from system.credit.switches import Switches
from system.credit.worker import Worker
from system.ledger.access import open_url
from system.settings import CreditSettings
from system.winlog import WinLogStore
from tests.support.books import SECRET
from tests.support.stores import ValkeyServer

AWARDS, BATCH = 12_001, 1000
FIRST = {1: 970_001, 2: 970_002}
"""A round of its own for each test: a fence goes up once in the life of the Valkey that tests share."""
UNUSED = "http://127.0.0.1:9"


def _worker(cell: int, dsn: str, valkey: str, store: WinLogStore) -> Worker:
    settings = CreditSettings(
        cell=cell, lane="live", metrics_listen=("127.0.0.1", 0), postgres_url=dsn, valkey_url=valkey,
        control_url=UNUSED, secret=SECRET,
    )  # fmt: skip
    switches = Switches(UNUSED, "", "live")
    switches.values["credit.batch_max"] = BATCH
    return Worker(settings, store, CreditMetrics(CollectorRegistry(), "live"), switches)


@pytest.mark.parametrize("cells", [pytest.param(1, id="one cell"), pytest.param(2, id="two cells")])
def test_a_round_of_some_cells_is_posted_whole(cells: int, ledger_dsn: str, valkey_server: ValkeyServer) -> None:
    async def body() -> tuple[int, list[int]]:
        store = WinLogStore(valkey_server.url, timeout_s=30)
        async with store, await open_url(ledger_dsn) as conn:
            rounds = Rounds(conn, [store, store], AWARDS, 9, FIRST[cells])
            workers = [_worker(cell, ledger_dsn, valkey_server.url, store) for cell in range(2)]
            filled = await rounds.do("fill", str(cells))
            passes = [asyncio.ensure_future(worker.run()) for worker in workers]
            try:
                return filled, [await rounds.do(word) for word in ("begin", "end", "close")]
            finally:
                for task in passes:
                    task.cancel()
                await asyncio.gather(*passes, return_exceptions=True)

    filled, (begun, nearly, closed) = asyncio.run(body())
    assert filled == closed == AWARDS
    assert AWARDS * 0.1 <= begun <= nearly
    assert AWARDS * 0.9 <= nearly <= closed
    with psycopg.connect(ledger_dsn) as conn:
        fronts = conn.execute("SELECT DISTINCT front FROM live.posting ORDER BY front").fetchall()
        assert [front for (front,) in fronts] == list(range(cells))


def test_books_that_do_not_close_are_told(ledger_dsn: str, valkey_server: ValkeyServer) -> None:
    async def body() -> None:
        store = WinLogStore(valkey_server.url, timeout_s=30)
        async with store, await open_url(ledger_dsn) as conn:
            rounds = Rounds(conn, [store], 20, 9, 970_003)
            await rounds.do("fill")
            insert = b"INSERT INTO live.batch (kind, round, postings, committed_us) VALUES ('credit', 970003, 20, 0)"
            await conn.execute(insert)
            await rounds.do("close")

    with pytest.raises(RuntimeError, match=r"posted \(0, None\); expected \(20, "):
        asyncio.run(body())
