"""The bank, as play's tasks and routes reach it: one caller, connected while the application runs, and a bell for each
lane that an order rings.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping

from aiohttp import web

from system.contract.ids import LANES, Lane
from system.contract.parties import BANK
from system.outside.caller import OutsideCaller
from system.play.payouts.figures import CALLS
from system.play.route import SETTINGS

CALLER = web.AppKey("bank", OutsideCaller)
BELLS: web.AppKey[Mapping[Lane, asyncio.Event]] = web.AppKey("bells", Mapping)


def set_up(app: web.Application) -> None:
    """Before the application starts."""
    settings = app[SETTINGS]
    app[CALLER] = OutsideCaller(BANK, settings.bank, CALLS, timeout_s=settings.bank_timeout_s)
    app[BELLS] = {lane: asyncio.Event() for lane in LANES}
    app.cleanup_ctx.append(_connected)


async def _connected(app: web.Application) -> AsyncIterator[None]:
    async with app[CALLER]:
        yield
