"""A relay to PostgreSQL that goes dead, without a word, at a COMMIT."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

COMMIT = b"COMMIT\0"


class SilentLink:
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
            # What went dead stays dead, also when the link is opened to others again before the answer comes.
            gone = asyncio.Event()
            await asyncio.gather(self._pump(reader, forth, gone, up=True), self._pump(back, writer, gone, up=False))
        finally:
            for end in (writer, forth):
                end.close()

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
