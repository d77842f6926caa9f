"""A red-packet system with a scripted knee: a real one, whose fronts stand behind a desk that serves one request after
the other, so many a second and never more. Its control names the desk as the front. Loopback alone, in a thread.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web

from tests.support.stores import LOOPBACK

DROPPED = {"host", "content-length", "transfer-encoding", "content-encoding", "connection", "keep-alive"}


class KneeDesk:
    """In front of one front. A request waits for all that came before it, `1 / rate_rps` seconds each."""

    def __init__(self, front_url: str, rate_rps: float) -> None:
        at = urlsplit(front_url)
        self._front = (at.hostname or LOOPBACK, at.port or 80)
        self.rate_rps = rate_rps
        self.served = 0
        self._free_s = 0.0
        self._tasks: set[asyncio.Task[None]] = set()

    async def guest(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection of a client, which sends its next request after the answer, as taps do."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        with suppress(OSError, asyncio.CancelledError):
            front_reader, front_writer = await asyncio.open_connection(*self._front)
            answers = asyncio.create_task(_pump(front_reader, writer))
            try:
                while data := await reader.read(1 << 16):
                    await self._turn()
                    front_writer.write(data)
            finally:
                front_writer.close()
                answers.cancel()
                writer.close()

    async def _turn(self) -> None:
        now_s = asyncio.get_running_loop().time()
        self._free_s = max(now_s, self._free_s) + 1 / self.rate_rps
        self.served += 1
        await asyncio.sleep(self._free_s - now_s)

    async def leave(self) -> None:
        """Ends every connection."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(1 << 16):
            writer.write(data)
    writer.close()


class KneeControl:
    """The control of such a system: everything is the real one's word, but for the addresses of its fronts."""

    def __init__(self, control_url: str, fronts: list[str]) -> None:
        self._url, self._fronts = control_url.rstrip("/"), fronts

    def app(self) -> web.Application:
        app = web.Application(client_max_size=1 << 24)
        app.router.add_route("*", "/{path:.*}", self._forward)
        app.cleanup_ctx.append(self._client)
        return app

    async def _client(self, _: web.Application) -> AsyncIterator[None]:
        async with aiohttp.ClientSession() as self._session:
            yield

    async def _forward(self, request: web.Request) -> web.StreamResponse:
        headers = {name: value for name, value in request.headers.items() if name.lower() not in DROPPED}
        asked = self._session.request(
            request.method, self._url + request.path_qs, headers=headers, data=await request.read()
        )
        async with asked as answer:
            body, status = await answer.read(), answer.status
            if request.path == "/v1/topology" and status == 200:
                return web.json_response(await answer.json() | {"fronts": self._fronts})
            kept = {name: value for name, value in answer.headers.items() if name.lower() not in DROPPED}
        return web.Response(status=status, body=body, headers=kept)


@contextmanager
def knee_of(control_url: str, front_url: str, rate_rps: float) -> Iterator[tuple[str, KneeDesk]]:
    """The address of the control of a system of one front with this knee, and the desk; both end with the block."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    desk = KneeDesk(front_url, rate_rps)

    async def opened() -> tuple[str, asyncio.Server, web.AppRunner]:
        server = await asyncio.start_server(desk.guest, LOOPBACK, 0, backlog=1024)
        front = f"http://{LOOPBACK}:{server.sockets[0].getsockname()[1]}"
        runner = web.AppRunner(KneeControl(control_url, [front]).app())
        await runner.setup()
        site = web.TCPSite(runner, LOOPBACK, 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        return f"http://{host}:{port}", server, runner

    async def shut(server: asyncio.Server, runner: web.AppRunner) -> None:
        server.close()
        await desk.leave()
        await runner.cleanup()

    thread.start()
    try:
        url, server, runner = asyncio.run_coroutine_threadsafe(opened(), loop).result(10)
        try:
            yield url, desk
        finally:
            asyncio.run_coroutine_threadsafe(shut(server, runner), loop).result(10)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
