"""The front's second port: /metrics, /healthz, /readyz. A scrape takes no client's place.

Owns that listener. Serves no taps.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from system.contract.web import application, listening
from system.front.metrics import FrontMetrics
from system.front.seam import FrontContext
from system.settings import FrontSettings
from system.web import add_health


@asynccontextmanager
async def pages(front: FrontContext, settings: FrontSettings, metrics: FrontMetrics) -> AsyncIterator[tuple[str, int]]:
    """Serves the pages on `settings.metrics_listen` within the block; where, also when port 0 was asked for.

    Raises OSError.
    """
    app = application()
    add_health(app, metrics.registry, lambda: "" if front.serving else "this front is not serving")
    async with listening(app, settings.metrics_listen, grace_s=0.5) as where:
        yield where
