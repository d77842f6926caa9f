"""Puts control together: settings, stores, clock, routes, background. Owns start and stop; takes no decisions."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable

from aiohttp import web
from prometheus_client import CollectorRegistry

from system.clock import monotonic_us, wall_us
from system.contract.errors import SettingsError
from system.contract.web import application
from system.control import background
from system.control.meters import ControlMeters
from system.control.routes import CONTROL, add_routes
from system.control.state import ControlContext
from system.ledger.access import Pool
from system.settings import ControlSettings
from system.web import add_health, counted
from system.winlog import WinLogs

BODY_BYTES_MAX = 1 << 20
POOL_SIZE = 8
FENCE_TIMEOUT_S = 0.8
"""Two numbers can be tried within the time that a front waits for an answer."""

log = logging.getLogger("xiu.control")


def authority_clock() -> Callable[[], int]:
    """Control's time: the host's wall clock at the start, continued by the clock that never steps."""
    offset = wall_us() - monotonic_us()
    return lambda: monotonic_us() + offset


def make_control(
    settings: ControlSettings, registry: CollectorRegistry, clock: Callable[[], int] | None = None
) -> ControlContext:
    """Control with its stores, nothing opened yet."""
    return ControlContext(
        settings=settings,
        pool=Pool(
            settings.postgres_url, "xiu_control", settings.secret, size=POOL_SIZE, timeout_s=settings.store_timeout_s
        ),
        winlog=WinLogs(settings.valkey_urls, timeout_s=min(FENCE_TIMEOUT_S, settings.store_timeout_s)),
        clock=clock or authority_clock(),
        meters=ControlMeters.of(registry),
    )


def build_app(
    settings: ControlSettings,
    registry: CollectorRegistry,
    clock: Callable[[], int] | None = None,
    stopped: Callable[[], None] = lambda: None,
) -> web.Application:
    """The application; `stopped` is called when the background ends by itself, which only bad settings do."""
    app = application(counted(registry), body_bytes_max=BODY_BYTES_MAX)
    control = app[CONTROL] = make_control(settings, registry, clock)
    add_routes(app)
    add_health(app, registry, lambda: "" if control.view.loaded else "PostgreSQL was not read yet")

    async def work(_: web.Application) -> AsyncIterator[None]:
        task = asyncio.create_task(background.run(control), name="background")
        task.add_done_callback(lambda done: None if done.cancelled() else stopped())
        try:
            yield
        finally:
            task.cancel()
            outcome = (await asyncio.gather(task, return_exceptions=True))[0]
            if isinstance(outcome, Exception):
                # Settings that make no sense become a sentence for a person; only a bug of ours needs the stack.
                trace = None if isinstance(outcome, SettingsError) else outcome
                log.error("background ended: %s", outcome, exc_info=trace, extra={"event": "background_ended"})
            await control.winlog.close()
            await control.pool.close()

    app.cleanup_ctx.append(work)
    return app
