"""The listener of a front: opens, watches slow requests and the event loop's lag, stops without losing an answer."""

from __future__ import annotations

import asyncio
import gc
import logging
import time

from system.front.desk import Desk
from system.front.metrics import FrontMetrics
from system.front.protocol import TapProtocol
from system.front.seam import Front
from system.settings import FrontSettings

log = logging.getLogger(__name__)

_TICK_S = 0.05
_BACKLOG = 8192


class Server:
    """A listening front. Made by `serve`; `address` is where it listens, also when port 0 was asked for."""

    def __init__(self, front: Front, settings: FrontSettings, metrics: FrontMetrics) -> None:
        self._loop = asyncio.get_running_loop()
        self._desk = Desk(front, settings, metrics)
        self._settings = settings
        self._metrics = metrics
        self._connections: set[TapProtocol] = set()
        self._partial: dict[TapProtocol, float] = {}
        self._listener: asyncio.Server | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._settled = asyncio.Event()
        """While stopping: nobody has been owed an answer for two ticks."""
        self._quiet_ticks = 0
        self.address: tuple[str, int] = settings.listen

    async def start(self) -> None:
        """Opens the listener."""
        host, port = self._settings.listen
        self._listener = await self._loop.create_server(self._connection, host, port, backlog=_BACKLOG)
        self.address = self._listener.sockets[0].getsockname()[:2]
        self._arm()

    async def stop(self, deadline_s: float = 3.0) -> None:
        """Accepts no more, refuses new taps, answers what is in flight and closes, within `deadline_s`."""
        if self._desk.stopping:
            return
        self._desk.stop()
        if self._listener is not None:
            self._listener.close()
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

    def _connection(self) -> TapProtocol:
        return TapProtocol(self._desk, self._loop, self._connections, self._partial)

    def _arm(self) -> None:
        self._timer = self._loop.call_later(_TICK_S, self._tick, time.monotonic() + _TICK_S)

    def _tick(self, due: float) -> None:
        self._arm()  # first: whatever breaks below, the next tick comes
        self._metrics.loop_lag.observe(max(0.0, time.monotonic() - due))
        oldest = self._loop.time() - self._settings.request_timeout_s
        for connection in [slow for slow, began in self._partial.items() if began <= oldest]:
            connection.time_out()
        if self._desk.stopping:
            owed = any(connection.waits for connection in self._connections)
            self._quiet_ticks = 0 if owed else self._quiet_ticks + 1
            if self._quiet_ticks >= 2:
                self._settled.set()


async def serve(front: Front, settings: FrontSettings, metrics: FrontMetrics) -> Server:
    """Opens a front's listener on `settings.listen`: taps, /healthz and /readyz. Raises OSError."""
    server = Server(front, settings, metrics)
    await server.start()
    return server


def settle_memory() -> None:
    """For a process that only serves: what exists now stays, so the collector looks at the rest alone, and seldom."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50, 100)
