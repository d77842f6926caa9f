"""A COMMIT on a link that swallows it, or its answer: the worker notices in time, reads the offset, and pays once."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator, Callable
from urllib.parse import urlsplit

import pytest
from prometheus_client import CollectorRegistry

from system.contract.errors import StoreUnknown
from system.credit.metrics import CreditMetrics
from system.credit.switches import Switches
from system.credit.worker import Worker
from tests.support import deadline
from tests.support.books import Books
from tests.support.stores import ValkeyServer

COMMIT = b"COMMIT\0"


class Link:
    """A relay to PostgreSQL that goes dead, without a word, at the first COMMIT after `arm`."""

    def __init__(self, url: str, *, request_arrives: bool) -> None:
        self._target = urlsplit(url)
        self._request_arrives = request_arrives
        self.armed = self.dead = False
        self.url = ""
        self._tasks: set[asyncio.Task[None]] = set()

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        self.url = self._target._replace(netloc=f"{self._target.username}@127.0.0.1:{port}").geturl()
        try:
            yield
        finally:
            server.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        back, forth = await asyncio.open_connection(self._target.hostname, self._target.port)
        try:
            await asyncio.gather(self._pump(reader, forth, up=True), self._pump(back, writer, up=False))
        finally:
            for end in (writer, forth):
                end.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, up: bool) -> None:
        while data := await reader.read(1 << 16):
            swallow = self.dead
            if up and self.armed and COMMIT in data:
                self.dead, swallow = True, not self._request_arrives
            if not swallow:
                writer.write(data)
                await writer.drain()
        writer.close()


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
        link = Link(ledger_dsn, request_arrives=request_arrives)
        try:
            async with link.open():
                books.add_round()
                await books.epoch(1, 0, 1)
                lease = books.lease(1, 0, 1, 1, 20)
                await books.append(1, 0, 1, [books.win(1, packet, packet) for packet in lease[:3]])
                settings = dataclasses.replace(books.settings(), postgres_url=link.url, store_timeout_s=1.0)
                switches = Switches("http://127.0.0.1:9", "k", "live")
                worker = Worker(settings, books.store, CreditMetrics(registry, "live"), switches)
                link.armed = True
                async with asyncio.timeout(10):
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
        link = Link(ledger_dsn, request_arrives=False)
        switches = Switches("http://127.0.0.1:9", "k", "live")
        try:
            async with link.open():
                books.add_round()
                await books.epoch(1, 0, 1)
                lease = books.lease(1, 0, 1, 1, 20)
                settings = dataclasses.replace(books.settings(), postgres_url=link.url, store_timeout_s=0.3)
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
                    assert standstill_s() < 1
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
