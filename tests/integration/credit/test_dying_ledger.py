"""A credit worker whose PostgreSQL dies on the wire, anywhere: in the handshake, in a COPY, at a COMMIT, in an answer;
by a reset, an end of stream, or nonsense. It goes on, and each award is paid once.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
import random
import socket
import struct
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest
import uvloop
from prometheus_client import CollectorRegistry

from system.credit.metrics import CreditMetrics
from system.credit.switches import Switches
from system.credit.worker import Worker
from tests.support.books import Books
from tests.support.deadline import until
from tests.support.stores import LOOPBACK, ValkeyServer

DEATHS, WINS = 120, 30
WAYS = ("reset", "end", "nonsense")


class Dead(Exception):
    """This connection has come to its end."""


class Mortal:
    """A relay to PostgreSQL each of whose connections dies after so many bytes, in one of the ways."""

    def __init__(self, url: str, seed: int) -> None:
        self._target = urlsplit(url)
        self._chance = random.Random(seed)
        self._tasks: set[asyncio.Task[None]] = set()
        self.deaths, self.url = 0, ""

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        server = await asyncio.start_server(self._serve, LOOPBACK, 0)
        port = server.sockets[0].getsockname()[1]
        self.url = self._target._replace(netloc=f"{self._target.username}@{LOOPBACK}:{port}").geturl()
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
        dies = self.deaths < DEATHS
        self.deaths += 1
        way = WAYS[self.deaths % len(WAYS)]
        lives = [self._chance.randrange(most) if dies else 1 << 40 for most in (6000, 1500)]
        back, forth = await asyncio.open_connection(self._target.hostname, self._target.port)
        try:
            await asyncio.gather(self._pump(reader, forth, lives[0]), self._pump(back, writer, lives[1]))
        except asyncio.CancelledError:
            return  # the test is over
        except (Dead, ConnectionError):
            if way == "nonsense":
                writer.write(b"\xff" * 64)
            if way == "reset":
                sock = writer.get_extra_info("socket")
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        finally:
            for end in (writer, forth):
                end.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, life: int) -> None:
        while data := await reader.read(1 << 16):
            writer.write(data[:life])
            await writer.drain()
            life -= len(data)
            if life <= 0:
                raise Dead
        raise Dead


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
        link = Mortal(ledger_dsn, seed=7)
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
