"""A server that only answers: every read gets the same losing answer. For null tests alone.

``python -m harness.engine.null_server PORT``
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
from typing import cast

import uvloop

BODY = b'{"won":false,"next_ms":143}'
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(BODY), BODY)


class Nothing(asyncio.Protocol):
    """One connection. A read is taken for one whole request: the cannon sends each in one write and waits."""

    __slots__ = ("_fd",)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._fd = cast(asyncio.Transport, transport).get_extra_info("socket").fileno()

    def data_received(self, data: bytes) -> None:
        os.write(self._fd, ANSWER)


async def serve(port: int) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    server = await loop.create_server(Nothing, "127.0.0.1", port, backlog=8192)
    gc.freeze()
    gc.disable()
    await stop.wait()
    server.close()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
