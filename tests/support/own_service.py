"""Somebody's own service, as small as it can be: browsing, a login, orders that need it. In a thread of the test."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import trustme
from aiohttp import web

PASSWORD = "geheim-77"


@dataclass
class OwnService:
    """`url` is where it listens. `asked`: requests by path; `users`, `skus`: whose orders came, and of what."""

    url: str = ""
    asked: Counter[str] = field(default_factory=Counter)
    users: Counter[str] = field(default_factory=Counter)
    skus: Counter[int] = field(default_factory=Counter)

    async def hello(self, request: web.Request) -> web.Response:
        self.asked[request.path] += 1
        return web.json_response({"hello": "world"})

    async def login(self, request: web.Request) -> web.Response:
        self.asked[request.path] += 1
        form: dict[str, Any] = await request.json()
        if form["password"] != PASSWORD:
            return web.json_response({"no": "entry"}, status=401)
        return web.json_response({"session": {"token": f"secret-of-{form['user']}"}})

    async def order(self, request: web.Request) -> web.Response:
        self.asked[request.path] += 1
        _, _, user = request.headers.get("Authorization", "").partition("Bearer secret-of-")
        if not user:
            return web.json_response({"no": "entry"}, status=401)
        form: dict[str, Any] = await request.json()
        self.users[user] += 1
        self.skus[form["sku"]] += 1
        return web.json_response({"ordered": form["sku"]}, status=201)

    async def metrics(self, request: web.Request) -> web.Response:
        """As a Prometheus answers a query of one figure."""
        form = await request.post()
        self.asked[str(form["query"])] += 1
        sample = {"metric": {}, "value": [0, "0.25"]}
        return web.json_response({"status": "success", "data": {"resultType": "vector", "result": [sample]}})


@contextmanager
def own_service(tls: ssl.SSLContext | None = None) -> Iterator[OwnService]:
    """The service until the block ends."""
    service, loop, ready = OwnService(), asyncio.new_event_loop(), threading.Event()

    async def serve() -> web.AppRunner:
        app = web.Application()
        app.add_routes(
            [
                web.get("/hello", service.hello),
                web.post("/login", service.login),
                web.post("/orders", service.order),
                web.post("/api/v1/query", service.metrics),
            ]
        )
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
        await site.start()
        host, port = runner.addresses[0][:2]
        service.url = f"{'https' if tls else 'http'}://{'localhost' if tls else host}:{port}"
        return runner

    def run() -> None:
        asyncio.set_event_loop(loop)
        runner = loop.run_until_complete(serve())
        ready.set()
        loop.run_forever()
        loop.run_until_complete(runner.cleanup())
        loop.close()

    thread = threading.Thread(target=run, name="own service")
    thread.start()
    try:
        assert ready.wait(20)
        yield service
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(20)


def trusted(folder: Path) -> ssl.SSLContext:
    """A server's side of TLS for `localhost`; whom to trust is `ca.pem` in the folder."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    return context
