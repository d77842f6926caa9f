"""A server that dies on each of its clients: sends the first bytes of an answer, or garbage, then resets or ends."""

from __future__ import annotations

import contextlib
import itertools
import socket
import struct
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from tests.support.stores import LOOPBACK

_RESET = struct.pack("ii", 1, 0)
Script = Callable[[int], tuple[tuple[bytes, ...], bool]]
"""What the n-th connection, from 0, is sent, each piece after one more of the client's, and whether it is then reset
(else: ended)."""


class DyingServer:
    """Listens on `port` while the block runs; `served` counts connections that were answered and dropped, each a moment
    after its client has heard so.

    `asked`: waits for the client's first bytes before it answers; else the end meets the client in its first write.
    """

    def __init__(self, script: Script, *, asked: bool = False) -> None:
        self._script, self._asked = script, asked
        self._listener = socket.create_server((LOOPBACK, 0), backlog=512)
        self._turn = itertools.count()
        self._threads = [threading.Thread(target=self._serve, daemon=True) for _ in range(4)]
        self.port: int = self._listener.getsockname()[1]
        self.served = 0
        self._counting = threading.Lock()

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(20.0)

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            answers, reset = self._script(next(self._turn))
            with contextlib.suppress(OSError), client:
                client.settimeout(10.0)
                for answer in answers:
                    if self._asked:
                        client.recv(65536)
                    if answer:
                        client.sendall(answer)
                if reset:
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            with self._counting:
                self.served += 1
