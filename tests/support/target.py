"""A server whose behaviour is known exactly, for oracles: `python -m tests.support.target PORT MODE MS SEED ARRIVALS`.

MODE ``delay``: each answer MS after its request. MODE ``queue``: one server, exponential service of mean MS, first
come first served. MODE ``knee``: the same, but each service takes MS exactly: up to 1000 / MS requests a second are
answered in time, and of more than that the queue grows for ever. On SIGTERM the arrival times (ns, CLOCK_MONOTONIC,
one a line) are written to ARRIVALS.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import sys
import time
from collections import deque
from pathlib import Path
from typing import cast

import uvloop

from harness.engine.null_server import ANSWER
from harness.engine.pacing import Ticker

TICK_US = 100


class Desk:
    """Answers that are due, in order of their time."""

    def __init__(self, mode: str, mean_ms: float, seed: int) -> None:
        self._queue, self._knee = mode in ("queue", "knee"), mode == "knee"
        self._mean_ns = mean_ms * 1e6
        self._random = random.Random(seed)
        self._due: deque[tuple[float, asyncio.Transport]] = deque()
        self._free_ns = 0.0
        self.arrivals: list[int] = []

    def take(self, transport: asyncio.Transport) -> None:
        now = time.monotonic_ns()
        self.arrivals.append(now)
        if self._queue:
            service_ns = self._mean_ns if self._knee else self._random.expovariate(1 / self._mean_ns)
            self._free_ns = max(now, self._free_ns) + service_ns
            self._due.append((self._free_ns, transport))
        else:
            self._due.append((now + self._mean_ns, transport))
        if not self._mean_ns:
            self.tick()

    def tick(self) -> None:
        now = time.monotonic_ns()
        while self._due and self._due[0][0] <= now:
            self._due.popleft()[1].write(ANSWER)


class Caller(asyncio.Protocol):
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        for _ in range(data.count(b"\r\n\r\n")):
            self._desk.take(self._transport)


async def serve(port: int, desk: Desk) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    ticker = Ticker(loop, TICK_US, desk.tick)
    server = await loop.create_server(lambda: Caller(desk), "127.0.0.1", port, backlog=1024)
    await stop.wait()
    server.close()
    ticker.close()


if __name__ == "__main__":
    with contextlib.suppress(AttributeError, PermissionError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    known = Desk(sys.argv[2], float(sys.argv[3]), int(sys.argv[4]))
    uvloop.run(serve(int(sys.argv[1]), known))
    Path(sys.argv[5]).write_text("".join(f"{at}\n" for at in known.arrivals))
