"""Puts play together: settings, one pool per lane, routes, the description. Takes no decisions."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable

from aiohttp import web
from prometheus_client import CollectorRegistry

from system.contract.errors import XiuError
from system.contract.ids import LANES, Lane
from system.contract.web import application
from system.ledger.access import Pool, lane_role
from system.ledger.statements import statement
from system.play import openapi
from system.play.background import background
from system.play.guard import LIMITS, guarded, options, per_address
from system.play.limits import RequestLimits
from system.play.plays import plays, routes
from system.play.route import POOLS, SETTINGS, Route
from system.settings import PlaySettings
from system.web import add_health, counted

VERSION = "1"
BODY_BYTES_MAX = 1 << 20
POOL_SIZE = 4
PROBE_INTERVAL_S = 1.0

log = logging.getLogger("xiu.play")


class LedgerProbe:
    """Whether the ledger answers; asked once a second, so that /readyz costs nothing."""

    def __init__(self, pools: dict[Lane, Pool]) -> None:
        self._pools = pools
        self.missing = "the ledger was not read yet"

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                for lane, pool in self._pools.items():
                    await pool.fetch(statement("balances", lane), {"uids": [0]}, f"probe lane {lane}")
                found = ""
            except XiuError as exc:
                found = str(exc)
            except Exception as exc:
                # Seen in the log and by /readyz: a probe that died would report its last result for ever.
                found = f"the probe broke: {exc!r}"
            if found != self.missing:
                log.warning("ledger: %s", found or "answers", extra={"event": "ledger_probe"})
            self.missing = found
            await asyncio.sleep(PROBE_INTERVAL_S)


def add_routes(app: web.Application, every: Iterable[Route]) -> None:
    """Each route behind its guard; HEAD where there is a GET; OPTIONS says what a path has."""
    methods: dict[str, set[str]] = {}
    for route in every:
        app.router.add_route(route.method, route.path, guarded(route))
        methods.setdefault(route.path, {"OPTIONS"}).add(route.method)
        if route.method == "GET":
            app.router.add_route("HEAD", route.path, guarded(route))
            methods[route.path].add("HEAD")
    for path, names in methods.items():
        app.router.add_route("OPTIONS", path, options(tuple(names)))


def build_app(settings: PlaySettings, registry: CollectorRegistry) -> web.Application:
    """The application."""
    app = application(counted(registry), body_bytes_max=BODY_BYTES_MAX)
    pools: dict[Lane, Pool] = {
        lane: Pool(
            settings.postgres_url, lane_role(lane), settings.secret, size=POOL_SIZE, timeout_s=settings.store_timeout_s
        )
        for lane in LANES
    }
    app[SETTINGS], app[POOLS] = settings, pools
    for play in plays():
        if play.setup is not None:
            play.setup(app)
        for path, handler in play.pages:
            app.router.add_get(path, handler)
    probe = LedgerProbe(pools)
    every = routes()
    app[LIMITS] = RequestLimits(settings, registry)
    app.middlewares.append(per_address)
    add_routes(app, every)
    description, page = openapi.document(every, VERSION), openapi.page(every)

    async def as_json(_: web.Request) -> web.Response:
        return web.json_response(description)

    async def as_page(_: web.Request) -> web.Response:
        return web.Response(text=page, content_type="text/html")

    app.router.add_get("/openapi.json", as_json)
    app.router.add_get("/docs", as_page)
    for collector in (each for play in plays() for each in play.collectors):
        registry.register(collector)
    add_health(app, registry, lambda: probe.missing)

    async def work(_: web.Application) -> AsyncIterator[None]:
        task = asyncio.create_task(probe.run(), name="probe")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            for pool in pools.values():
                await pool.close()

    app.cleanup_ctx.append(work)
    app.cleanup_ctx.append(background(task for play in plays() for task in play.tasks))
    return app
