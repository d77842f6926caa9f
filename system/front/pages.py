"""The front's own port beside the taps: /metrics, /healthz, /readyz. Whoever reads figures costs no tap its connection.

Owns that listener. Refuses taps.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from system.front.metrics import FrontMetrics
from system.front.seam import Front
from system.settings import FrontSettings
from system.web import add_health, errors_as_answers


@asynccontextmanager
async def pages(front: Front, settings: FrontSettings, metrics: FrontMetrics) -> AsyncIterator[tuple[str, int]]:
    """Serves the pages on `settings.metrics_listen` within the block; where, also when port 0 was asked for.

    Raises OSError.
    """
    app = web.Application(middlewares=[errors_as_answers])
    add_health(app, metrics.registry, lambda: "" if front.serving else "this front is not serving")
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    try:
        await web.TCPSite(runner, *settings.metrics_listen, reuse_address=True).start()
        host, port = runner.addresses[0][:2]
        yield host, port
    finally:
        await runner.cleanup()
