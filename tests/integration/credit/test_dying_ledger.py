"""A credit worker whose PostgreSQL dies on the wire, anywhere: in the handshake, in a COPY, at a COMMIT, in an answer;
by a reset, an end of stream, or nonsense. It goes on, and each award is paid once.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging

import pytest
import uvloop
from prometheus_client import CollectorRegistry

from system.credit.metrics import CreditMetrics
from system.credit.switches import Switches
from system.credit.worker import Worker
from tests.support.books import Books
from tests.support.deadline import until
from tests.support.ledger_links import MortalLink
from tests.support.stores import ValkeyServer

DEATHS, WINS = 120, 30


def test_wherever_the_ledger_dies_on_the_wire_the_worker_goes_on_and_pays_once(
    ledger_dsn: str, valkey_server: ValkeyServer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("system.credit.worker.BACK_OFF_S", (0.001, 0.005))
    monkeypatch.setattr("system.credit.worker.WAIT_MS", 5)
    caplog.set_level(logging.INFO)
    books, registry, lost = Books(ledger_dsn, valkey_server.url), CollectorRegistry(), list[str]()

    def posted() -> float | None:
        return registry.get_sample_value("hongbao_credits_total", {"lane": "live", "outcome": "posted"})

    async def body() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: lost.append(str(context)))
        await books.open()
        link = MortalLink(ledger_dsn, seed=7, most=DEATHS)
        try:
            async with link.open():
                books.add_round()
                await books.epoch(1, 0, 1)
                lease = books.lease(1, 0, 1, 1, WINS)
                settings = dataclasses.replace(books.settings(), postgres_url=link.url, store_timeout_s=1.0)
                switches = Switches("http://127.0.0.1:9", "k", "live")
                worker = Worker(settings, books.store, CreditMetrics(registry, "live"), switches)
                working = asyncio.create_task(worker.run())

                async def died() -> bool:
                    assert not working.done()
                    return link.deaths >= due

                for number, packet in enumerate(lease[:WINS]):
                    await books.append(1, 0, 1, [books.win(1, packet, 1000 + packet)])
                    due = (number + 1) * DEATHS // WINS
                    await until(died, f"{due} deaths", timeout_s=40)

                async def paid() -> bool:
                    assert not working.done()
                    return books.sql("SELECT count(*) FROM {}.posting") == [(WINS,)]

                await until(paid, "every award paid")

                async def counted() -> bool:
                    # The last COMMIT's answer may be lost as well: the next pass counts what the offset shows.
                    assert not working.done()
                    return posted() == WINS

                await until(counted, "every award counted")
                working.cancel()
                await asyncio.wait([working])
        finally:
            await books.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(body())
    assert lost == []
    assert books.sql("SELECT count(*), count(DISTINCT packet) FROM {}.posting") == [(WINS, WINS)]
    assert books.sql("SELECT count(*) FROM {}.duplicate") == [(0,)]
    assert posted() == WINS
    events = [getattr(record, "event", "") for record in caplog.records]
    assert events.count("credit_store_away") > DEATHS / 2
    assert "credit_broke" not in events, "each death is told at the seam"
