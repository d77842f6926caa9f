"""A bare front on a real listener and uvloop, and clients that speak raw bytes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import uvloop

from system import tokens
from system.benching.bare_front import BareFront, BareRound, settings_for
from system.clock import wall_us
from system.contract.ids import Lane
from system.front.metrics import FrontMetrics
from system.front.pages import pages
from system.front.server import Server, serve

SECRET = bytes(range(32, 64))
LIVE, STRESS, EARLY, LATE = 1, 2, 3, 4
MINUTE_US = 60_000_000


@dataclass
class Rig:
    """One front that serves."""

    front: BareFront
    server: Server
    metrics: FrontMetrics
    pages: tuple[str, int]
    """Where /metrics is."""

    async def exchange(self, *chunks: bytes, at: tuple[str, int] | None = None) -> bytes:
        """All a client gets that sends `chunks`, each as a packet of its own, and then says no more."""
        reader, writer = await asyncio.open_connection(*(at or self.server.address))
        try:
            for chunk in chunks:
                writer.write(chunk)
                await writer.drain()
                await asyncio.sleep(0)
            writer.write_eof()
            return await reader.read()
        finally:
            writer.close()

    @property
    def touched(self) -> bool:
        """Whether any round has a win."""
        return any(round_.settled or round_.pending for round_ in self.front.rounds.values())


@asynccontextmanager
async def rig(win_every: int = 0, **limits: Any) -> AsyncIterator[Rig]:
    now = wall_us()
    rounds = [
        BareRound(LIVE, "live", now - MINUTE_US, now + 10 * MINUTE_US, win_every),
        BareRound(STRESS, "stress", now - MINUTE_US, now + 10 * MINUTE_US, win_every),
        BareRound(EARLY, "live", now + 5 * MINUTE_US, now + 10 * MINUTE_US),
        BareRound(LATE, "live", now - 2 * MINUTE_US, now - MINUTE_US),
    ]
    front, metrics = BareFront(rounds), FrontMetrics()
    settings = replace(settings_for(SECRET, ("127.0.0.1", 0)), **limits)
    async with pages(front, settings, metrics) as address:
        server = await serve(front, settings, metrics)
        try:
            yield Rig(front, server, metrics, address)
        finally:
            await server.stop()


def run(scenario: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Runs a scenario on the event loop the front has in earnest."""

    async def whole() -> None:
        async with asyncio.timeout(150):
            await scenario()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(whole())


async def eventually(check: Callable[[], bool], what: str, timeout_s: float = 30.0) -> None:
    """Waits until `check` holds; TimeoutError naming `what` at the deadline."""
    deadline = time.monotonic() + timeout_s
    while not check():
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        await asyncio.sleep(0.005)


async def soon(answer: Awaitable[bytes]) -> bytes:
    """The answer, within the time any test may wait."""
    return await asyncio.wait_for(answer, 30)


def token(uid: int, lane: Lane = "live", ttl_s: int = 600) -> bytes:
    return tokens.sign(tokens.token_key(SECRET, lane), str(uid), int(time.time()) + ttl_s).encode()


def tag(ttl_s: int = 600) -> bytes:
    return tokens.sign_tag(tokens.tag_key(SECRET), "run-1", int(time.time()) + ttl_s).encode()


def tap(round_id: int, bearer: bytes, *lines: bytes) -> bytes:
    head = [f"POST /v1/rounds/{round_id}/taps HTTP/1.1".encode(), b"Host: front", *lines]
    return b"\r\n".join([*head, b"Authorization: Bearer " + bearer, b"Content-Length: 0"]) + b"\r\n\r\n"


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: front\r\n\r\n".encode()


def statuses(raw: bytes) -> list[int]:
    """The statuses of the answers in `raw`; every one of them must be whole."""
    found = []
    while raw:
        head, end, rest = raw.partition(b"\r\n\r\n")
        assert end, raw
        first, *lines = head.split(b"\r\n")
        found.append(int(first.split(b" ")[1]))
        lengths = [int(line.split(b":")[1]) for line in lines if line.lower().startswith(b"content-length:")]
        assert len(rest) >= sum(lengths), raw
        raw = rest[sum(lengths) :]
    return found
