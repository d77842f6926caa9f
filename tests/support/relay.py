"""A TCP relay of the test's own between front and Valkey, for what toxiproxy cannot do: lose an
answer, not a request.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import Self

from tests.support.stores import LOOPBACK


class Relay:
    """Forwards to `port`. While `mute`, requests arrive and answers are dropped; while `flow` is not set, answers wait;
    `cut` ends every connection.

    `lose_answer_to`: the answer to the next request with these bytes in it is lost, that one alone; with `cut_instead`
    its connection ends as well. The next `deaths` connections end within their handshake, after 0 to 3 bytes of its
    answer: by a reset, or by an end of stream.
    """

    def __init__(self, port: int) -> None:
        self._upstream = port
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.mute = False
        self.flow = asyncio.Event()
        self.flow.set()
        self.lose_answer_to = b""
        self.cut_instead = False
        self._losing = False
        self.deaths = 0
        self.by_reset = True
        self.dropped = 0
        self.sent = 0
        self.port = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, LOOPBACK, 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self.cut()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut(self) -> None:
        """Resets every connection."""
        for writer in tuple(self._open):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._open.add(writer)
        try:
            if self.deaths > 0:
                self.deaths -= 1
                await self._die(reader, writer, self.deaths % 4)
                return
            up_reader, up_writer = await asyncio.open_connection(LOOPBACK, self._upstream)
            self._open.add(up_writer)
            pumps = (self._pump(reader, up_writer, False), self._pump(up_reader, writer, True))
            await asyncio.gather(*pumps, return_exceptions=True)
            self._open.discard(up_writer)
        except OSError:
            writer.transport.abort()
        finally:
            self._open.discard(writer)
            self._tasks.discard(task)

    async def _die(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, size: int) -> None:
        await reader.read(65536)
        writer.write(b"+OK\r\n"[:size])
        if self.by_reset:
            sock = writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answers: bool) -> None:
        try:
            while data := await reader.read(65536):
                if answers:
                    await self.flow.wait()
                if answers and self.mute:
                    self.dropped += 1
                    continue
                if answers and self._losing:
                    self._losing = False
                    self.dropped += 1
                    if self.cut_instead:
                        return
                    continue
                if not answers and self.lose_answer_to and self.lose_answer_to in data:
                    self.lose_answer_to, self._losing = b"", True
                self.sent += not answers
                writer.write(data)
                await writer.drain()
        finally:
            writer.transport.abort()
