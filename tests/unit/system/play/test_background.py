"""A play's task that breaks or ends is started again, and ends with the application."""

from __future__ import annotations

import asyncio
import logging

import pytest
from aiohttp import web

from system.play.background import background


def test_a_task_that_breaks_or_ends_starts_again(caplog: pytest.LogCaptureFixture) -> None:
    asyncio.run(_breaks_and_ends(caplog))


async def _breaks_and_ends(caplog: pytest.LogCaptureFixture) -> None:
    starts: list[web.Application] = []
    third, cancelled = asyncio.Event(), asyncio.Event()

    async def sweep(app: web.Application) -> None:
        starts.append(app)
        if len(starts) == 1:
            raise RuntimeError("a bug")
        if len(starts) == 3:
            third.set()
            try:
                await asyncio.Event().wait()
            finally:
                cancelled.set()

    app = web.Application()
    with caplog.at_level(logging.ERROR):
        running = background([sweep], again_s=0.0)(app)
        await anext(running)
        async with asyncio.timeout(30):
            await third.wait()
        with pytest.raises(StopAsyncIteration):
            await anext(running)
    assert cancelled.is_set()
    assert starts == [app] * 3
    assert [record.message.rpartition(".")[2] for record in caplog.records] == [
        "sweep broke: RuntimeError('a bug'); starting it again", "sweep ended; starting it again",
    ]  # fmt: skip
