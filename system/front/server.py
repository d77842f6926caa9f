"""The listener of a front: opens, accepts while there is a place, watches slow requests and the event loop's lag, stops
without losing an answer.

It accepts connections itself, a few at a time. The event loop's own server takes all that wait in one go, before any
could be closed for them, and without an open file left it drops them unseen.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import time

from system.front.desk import Desk
from system.front.draw import Draw
from system.front.metrics import FrontMetrics
from system.front.places import Places
from system.front.protocol import TapProtocol
from system.front.seam import FrontContext
from system.settings import FrontSettings

log = logging.getLogger(__name__)
_NO_MORE = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}

_TICK_S = 0.05
_BACKLOG = 8192
_ACCEPTS = 32
"""Connections accepted in one go: so many open files beyond the places are in use for a moment."""


class Server:
    """A listening front. Made by `serve`; `address` is where it listens, also when port 0 was asked for."""

    def __init__(self, front: FrontContext, settings: FrontSettings, metrics: FrontMetrics) -> None:
        self._loop = asyncio.get_running_loop()
        self._desk = Desk(front, settings, metrics)
        self._settings = settings
        self._metrics = metrics
        self._places = Places[TapProtocol](settings, metrics, self._loop.time)
        self._connections = self._places.taken
        self._welcomes: set[asyncio.Task[None]] = set()
        self._partial: dict[TapProtocol, float] = {}
        self._listener: socket.socket | None = None
        self._accepting = False
        self._timer: asyncio.TimerHandle | None = None
        self._settled = asyncio.Event()
        """While stopping: nobody has been owed an answer for two ticks."""
        self._quiet_ticks = 0
        self.address: tuple[str, int] = settings.listen

    @property
    def draw(self) -> Draw:
        """What the taps go through, for whoever counts them."""
        return self._desk.draw

    def start(self) -> None:
        """Opens the listener. Raises OSError."""
        family = socket.AF_INET6 if ":" in self._settings.listen[0] else socket.AF_INET
        self._listener = socket.create_server(self._settings.listen, family=family, backlog=_BACKLOG)
        self._listener.setblocking(False)
        self.address = self._listener.getsockname()[:2]
        self._listen(True)
        self._arm()

    def _listen(self, on: bool) -> None:
        if self._listener is None or on is self._accepting:
            return
        self._accepting = on
        if on:
            self._loop.add_reader(self._listener, self._accept)
        else:
            self._loop.remove_reader(self._listener)

    def _accept(self) -> None:
        assert self._listener is not None
        for _ in range(_ACCEPTS):
            try:
                client, _ = self._listener.accept()
            except BlockingIOError:
                return
            except OSError as exc:
                if exc.errno not in _NO_MORE:
                    continue  # this client left before it was accepted
                self._places.drop("files", f"the front can accept no more: {exc}")
                self._listen(False)  # until the next tick: the listener stays ready, and would be called again at once
                return
            if self._places.admit():
                connection = TapProtocol(self._desk, self._loop, self._connections, self._partial)
                self._connections[connection] = None
                task = self._loop.create_task(self._welcome(client, connection))
                self._welcomes.add(task)
                task.add_done_callback(self._welcomes.discard)
            else:
                client.close()

    async def _welcome(self, client: socket.socket, connection: TapProtocol) -> None:
        try:
            client.setblocking(False)
            await self._loop.connect_accepted_socket(lambda: connection, client)
        except Exception as exc:
            client.close()
            self._connections.pop(connection, None)
            log.info("a client left at once: %r", exc, extra={"event": "client_left"})

    async def stop(self, deadline_s: float = 3.0) -> None:
        """Accepts no more, refuses new taps, answers what is in flight and closes, within `deadline_s`."""
        if self._desk.stopping:
            return
        self._desk.stop()
        if self._listener is not None:
            self._listen(False)
            self._listener.close()
            self._listener = None
        for connection in tuple(self._connections):
            connection.stop()
        try:
            # What clients had sent before they could know of the stop comes in within a tick, and is refused in words.
            async with asyncio.timeout(deadline_s):
                await self._settled.wait()
        except TimeoutError:
            log.warning("stopped with answers owed", extra={"event": "stop_deadline"})
        for connection in tuple(self._connections):
            connection.close()
        if self._timer is not None:
            self._timer.cancel()

    def _arm(self) -> None:
        self._timer = self._loop.call_later(_TICK_S, self._tick, time.monotonic() + _TICK_S)

    def _tick(self, due: float) -> None:
        self._arm()  # first: whatever breaks below, there is a next tick
        self._metrics.loop_lag.observe(max(0.0, time.monotonic() - due))
        oldest = self._loop.time() - self._settings.request_timeout_s
        for connection in [slow for slow, began in self._partial.items() if began <= oldest]:
            connection.time_out()
        self._places.turn()
        self._listen(True)
        if self._desk.stopping:
            owed = any(connection.waits for connection in self._connections)
            self._quiet_ticks = 0 if owed else self._quiet_ticks + 1
            if self._quiet_ticks >= 2:
                self._settled.set()


async def serve(front: FrontContext, settings: FrontSettings, metrics: FrontMetrics) -> Server:
    """Opens a front's listener on `settings.listen`: taps, /healthz and /readyz. Raises OSError."""
    server = Server(front, settings, metrics)
    server.start()
    return server
