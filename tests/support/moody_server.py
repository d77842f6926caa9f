"""A server with moods: what it does to a tap depends on the user who taps. Runs in a thread of the test."""

from __future__ import annotations

import asyncio
import re
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.stores import free_port

LOSE, WIN_ONCE, SPLIT, RESET, SILENT, CLOSE, PENDING, TOO_FAST, STORE_AWAY, TWICE, GARBAGE, RESERVE = range(1, 13)
_UID = re.compile(rb"Bearer (\d+)\.")
_LOST = b'{"won":false,"next_ms":100}'
_ERROR = b'{"error":{"code":"x","message":"x","effect":"%s"}}'


def _answer(status: bytes, body: bytes, extra: bytes = b"") -> bytes:
    return b"HTTP/1.1 %s X\r\nContent-Length: %d\r\n%s\r\n%s" % (status, len(body), extra, body)


class Moody(asyncio.Protocol):
    def __init__(self, house: House) -> None:
        self._house = house

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._house.guests.add(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._house.guests.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        for found in _UID.finditer(data):
            uid = int(found[1])
            self._house.taps[uid] += 1
            self._treat(uid)

    def _treat(self, uid: int) -> None:
        write, lost = self._transport.write, _answer(b"200", _LOST)
        if uid == WIN_ONCE:
            again = b"true" if self._house.taps[uid] > 1 else b"false"
            write(_answer(b"200", b'{"won":true,"award":"1-42","fen":188,"sponsor":3,"repeat":%s}' % again))
        elif uid == SPLIT:
            write(lost[:30])
            asyncio.get_running_loop().call_later(0.005, write, lost[30:])
        elif uid == RESET:
            self._transport.abort()
        elif uid == CLOSE:
            write(_answer(b"200", _LOST, b"Connection: close\r\n"))
            self._transport.close()
        elif uid == PENDING:
            write(_answer(b"202", b'{"pending":true}'))
        elif uid == TOO_FAST:
            write(_answer(b"429", _ERROR % b"none", b"Retry-After: 1\r\n"))
        elif uid == STORE_AWAY:
            write(_answer(b"503", _ERROR % b"unknown"))
        elif uid == TWICE:
            write(lost + lost)
        elif uid == GARBAGE:
            write(b"what?\r\n\r\n")
        elif uid != SILENT:
            write(lost)


class House:
    """The server and what it saw."""

    def __init__(self) -> None:
        self.port = free_port()
        self.taps: Counter[int] = Counter()
        self.guests: set[asyncio.Transport] = set()
        self._server: asyncio.Server | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def call(self, what: str) -> None:
        """``open``: listens. ``shut``: stops listening and resets every connection."""
        asyncio.run_coroutine_threadsafe(getattr(self, f"_{what}")(), self._loop).result(10)

    async def _open(self) -> None:
        self._server = await self._loop.create_server(lambda: Moody(self), "127.0.0.1", self.port, reuse_address=True)

    async def _shut(self) -> None:
        assert self._server is not None
        self._server.close()
        for guest in tuple(self.guests):
            guest.abort()
        await asyncio.sleep(0.01)

    @contextmanager
    def open(self) -> Iterator[House]:
        self._thread.start()
        self.call("open")
        try:
            yield self
        finally:
            self.call("shut")
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(10)
            self._loop.close()
