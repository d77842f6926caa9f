"""Opens and re-opens the gun's connections, a few at a time. Owns no tap, and waits between tries of a front that is
down.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Callable

from harness.engine.gun import ClientConnection, Gun
from harness.engine.prepared import TlsTrust

_AT_ONCE = 16
_CONNECT_TIMEOUT_S = 2.0
_AGAIN_S = 0.05
_LOOK_S = 0.02


class Wires:
    """Keeps every connection of the gun open while its task runs."""

    def __init__(self, gun: Gun, addresses: list[tuple[str, int]], tls: TlsTrust | None = None) -> None:
        self._gun, self._addresses = gun, addresses
        self._tls: ssl.SSLContext | None = None if tls is None else _context(tls)
        self._host: str | None = None if tls is None else tls.host
        self._work = asyncio.Event()
        self.refusals = 0
        self.last_error = ""
        gun.wake = self._work.set

    async def run(self) -> None:
        """Serves the list of connections that are down until cancelled."""
        async with asyncio.TaskGroup() as group:
            for _ in range(_AT_ONCE):
                group.create_task(self._serve())

    async def _serve(self) -> None:
        down = self._gun.down
        while True:
            if not down:
                self._work.clear()
                await self._work.wait()
                continue
            connection = down.popleft()
            if connection.transport is not None:
                continue  # listed twice: a connect that timed out just as it succeeded
            if not await self._open(connection):
                self.refusals += 1
                down.append(connection)
                await asyncio.sleep(_AGAIN_S)

    async def _open(self, connection: ClientConnection) -> bool:
        host, port = self._addresses[connection.front]
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(_CONNECT_TIMEOUT_S):
                await loop.create_connection(lambda: connection, host, port, ssl=self._tls, server_hostname=self._host)
                return True
        except TimeoutError:
            self.last_error = f"no answer within {_CONNECT_TIMEOUT_S:g} s"
        except ssl.SSLError as exc:
            self.last_error = f"TLS: {exc.reason or exc}"
        except OSError as exc:
            self.last_error = os.strerror(exc.errno) if exc.errno else str(exc)
        return False

    async def all_open(self, timeout_s: float, stopped: Callable[[], bool]) -> None:
        """Waits until every connection stands, or until it is `stopped`: then nobody needs them. Raises
        ConnectionError, how many stand and why others do not.
        """
        connections = self._gun.connections
        for _ in range(max(1, round(timeout_s / _LOOK_S))):
            up = sum(connection.transport is not None for connection in connections)
            if up == len(connections) or stopped():
                return
            await asyncio.sleep(_LOOK_S)
        why = f"; the last that did not: {self.last_error}" if self.last_error else ""
        raise ConnectionError(f"only {up} of {len(connections)} connections to the fronts stand{why}")


def _context(tls: TlsTrust) -> ssl.SSLContext:
    """The certificate and the name in it are checked, whoever signed it."""
    return ssl.create_default_context(cafile=tls.ca)
