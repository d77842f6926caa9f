"""Relays to PostgreSQL that die: without a word at a COMMIT, or anywhere, by a reset, an end of stream, or nonsense."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import struct
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

from tests.support.stores import LOOPBACK

COMMIT = b"COMMIT\0"
WAYS = ("reset", "end", "nonsense")
LOST_S = 2.5
"""The time-out of who speaks over a link that goes dead: longer than a busy machine stands still, for what comes before
the COMMIT has to be answered within it."""
_RESET = struct.pack("ii", 1, 0)
_FOR_EVER = 1 << 40


class _LedgerLink:
    """Listens at `url` as long as `open` lasts, and connects each client to the ledger."""

    def __init__(self, url: str) -> None:
        self._target = urlsplit(url)
        self._tasks: set[asyncio.Task[None]] = set()
        self.url = ""

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
        back, forth = await asyncio.open_connection(self._target.hostname, self._target.port)
        try:
            await self._relay(reader, writer, back, forth)
        finally:
            for end in (writer, forth):
                end.close()

    async def _relay(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        back: asyncio.StreamReader,
        forth: asyncio.StreamWriter,
    ) -> None:
        """Carries what a client says (`reader`) to the ledger (`forth`), what that says (`back`) to it (`writer`)."""
        raise NotImplementedError


class SilentLink(_LedgerLink):
    """Goes dead, without a word, at the first COMMIT after `armed`; the COMMIT itself arrives, or not."""

    def __init__(self, url: str, *, request_arrives: bool) -> None:
        super().__init__(url)
        self._request_arrives = request_arrives
        self.armed = self.dead = False

    async def _relay(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        back: asyncio.StreamReader,
        forth: asyncio.StreamWriter,
    ) -> None:
        # What went dead stays dead, also when the link is opened to others again before the answer comes.
        gone = asyncio.Event()
        await asyncio.gather(self._pump(reader, forth, gone, up=True), self._pump(back, writer, gone, up=False))

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, gone: asyncio.Event, *, up: bool
    ) -> None:
        while data := await reader.read(1 << 16):
            swallow = self.dead or gone.is_set()
            if up and self.armed and COMMIT in data:
                self.dead, swallow = True, not self._request_arrives
                gone.set()
            if not swallow:
                writer.write(data)
                await writer.drain()
        writer.close()


class _Dead(Exception):
    """This connection has come to its end."""


class MortalLink(_LedgerLink):
    """Each of the first `most` connections dies after so many bytes (by `seed`), in one of `WAYS`; the others live."""

    def __init__(self, url: str, seed: int, most: int) -> None:
        super().__init__(url)
        self._chance, self._most = random.Random(seed), most
        self.deaths = 0

    async def _relay(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        back: asyncio.StreamReader,
        forth: asyncio.StreamWriter,
    ) -> None:
        dies = self.deaths < self._most
        self.deaths += 1
        way = WAYS[self.deaths % len(WAYS)]
        lives = [self._chance.randrange(most) if dies else _FOR_EVER for most in (6000, 1500)]
        try:
            await asyncio.gather(self._pump(reader, forth, lives[0]), self._pump(back, writer, lives[1]))
        except asyncio.CancelledError:
            return  # the test is over
        except (_Dead, ConnectionError):
            if way == "nonsense":
                writer.write(b"\xff" * 64)
            if way == "reset":
                sock = writer.get_extra_info("socket")
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, life: int) -> None:
        while data := await reader.read(1 << 16):
            writer.write(data[:life])
            await writer.drain()
            life -= len(data)
            if life <= 0:
                raise _Dead
        raise _Dead
