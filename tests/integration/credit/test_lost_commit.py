"""A COMMIT on a link that swallows it, or its answer: the worker notices in time, reads the offset, and pays once."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import Callable

import pytest
from prometheus_client import CollectorRegistry

from system.contract.errors import StoreUnknown
from system.credit.metrics import CreditMetrics
from system.credit.switches import Switches
from system.credit.worker import Worker
from tests.support import deadline
from tests.support.books import Books
from tests.support.ledger_links import LOST_S, SilentLink
from tests.support.stores import ValkeyServer


@pytest.mark.parametrize(
    "request_arrives",
    [
        pytest.param(True, id="the answer is lost: committed, not posted again"),
        pytest.param(False, id="the COMMIT itself is lost: posted by the next attempt"),
    ],
)
def test_a_lost_commit_pays_once(ledger_dsn: str, valkey_server: ValkeyServer, request_arrives: bool) -> None:
    books = Books(ledger_dsn, valkey_server.url)
    registry = CollectorRegistry()

    def counted() -> float:
        return registry.get_sample_value("hongbao_credits_total", {"lane": "live", "outcome": "posted"}) or 0.0

    async def body() -> None:
        await books.open()
        link = SilentLink(ledger_dsn, request_arrives=request_arrives)
        try:
            async with link.open():
                books.add_round()
                await books.epoch(1, 0, 1)
                lease = books.lease(1, 0, 1, 1, 20)
                await books.append(1, 0, 1, [books.win(1, packet, packet) for packet in lease[:3]])
                settings = dataclasses.replace(books.settings(), postgres_url=link.url, store_timeout_s=LOST_S)
                switches = Switches("http://127.0.0.1:9", "k", "live")
                worker = Worker(settings, books.store, CreditMetrics(registry, "live"), switches)
                link.armed = True
                async with asyncio.timeout(60):
                    with pytest.raises(StoreUnknown, match="no answer from PostgreSQL in time"):
                        await worker.once()
                assert counted() == 0
                link.armed = link.dead = False
                while books.sql("SELECT offset_seq FROM {}.stream") != [(1,)] or counted() < 3:
                    with contextlib.suppress(StoreUnknown):
                        await worker.once()
                await worker._drop()
        finally:
            await books.close()

    asyncio.run(body())
    assert books.sql("SELECT count(*), count(DISTINCT packet) FROM {}.posting") == [(3, 3)]
    assert books.sql("SELECT count(*) FROM {}.duplicate") == [(0,)]
    assert counted() == 3


def test_while_the_ledger_is_away_backlog_standstill_and_switches_are_told(
    ledger_dsn: str, valkey_server: ValkeyServer
) -> None:
    """Alerts and playbooks live of these figures, and need them most while the worker cannot work."""
    books = Books(ledger_dsn, valkey_server.url)
    registry = CollectorRegistry()

    def told(name: str, **labels: str) -> float:
        return registry.get_sample_value(name, labels) or 0.0

    def standstill_s() -> float:
        return told("hongbao_credit_progress_age_seconds", lane="live")

    async def body() -> None:
        await books.open()
        link = SilentLink(ledger_dsn, request_arrives=False)
        switches = Switches("http://127.0.0.1:9", "k", "live")
        try:
            async with link.open():
                books.add_round()
                await books.epoch(1, 0, 1)
                lease = books.lease(1, 0, 1, 1, 20)
                settings = dataclasses.replace(books.settings(), postgres_url=link.url, store_timeout_s=1.0)
                worker = Worker(settings, books.store, CreditMetrics(registry, "live"), switches)
                working = asyncio.create_task(worker.run())
                try:
                    await until(lambda: worker.passed_at > 0, "the first pass")
                    link.dead = True
                    await books.append(1, 0, 1, [books.win(1, lease[0], 1)])
                    await until(lambda: told("hongbao_stream_lag_entries", lane="live") == 1, "the backlog")
                    assert told("hongbao_stream_oldest_age_seconds", lane="live") > 0
                    await until(lambda: standstill_s() > 1, "the standstill")
                    switches.take({"switches": {"credit.batch_max": 7}})
                    assert told("hongbao_switch", key="credit.batch_max", lane="live") == 7
                    link.dead = False
                    await until(lambda: told("hongbao_stream_lag_entries", lane="live") == 0, "no backlog")
                    await until(lambda: standstill_s() < 1, "no standstill")
                finally:
                    working.cancel()
                    await asyncio.gather(working, return_exceptions=True)
        finally:
            await books.close()

    asyncio.run(body())
    assert books.sql("SELECT count(*) FROM {}.posting") == [(1,)]


async def until(check: Callable[[], bool], what: str) -> None:
    async def asked() -> bool:
        return check()

    await deadline.until(asked, what)
