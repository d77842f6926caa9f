"""The plays' work without a request. Owns that a task which ends, however it ends, is logged and starts again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable

from aiohttp import web

from system.play.plays import PlayTask

AGAIN_S = 1.0
"""Between the end of a task and its next start."""

log = logging.getLogger("xiu.play")


def background(tasks: Iterable[PlayTask], again_s: float = AGAIN_S) -> Callable[[web.Application], AsyncIterator[None]]:
    """For `cleanup_ctx`: the tasks run as long as the application does."""
    every = tuple(tasks)

    async def work(app: web.Application) -> AsyncIterator[None]:
        running = [asyncio.create_task(_kept(task, app, again_s), name=_name(task)) for task in every]
        try:
            yield
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    return work


async def _kept(task: PlayTask, app: web.Application, again_s: float) -> None:
    while True:
        try:
            await task(app)
            log.error("task %s ended; starting it again", _name(task), extra={"event": "task_ended"})
        except Exception as exc:
            log.error("task %s broke: %r; starting it again", _name(task), exc, extra={"event": "task_ended"})
        await asyncio.sleep(again_s)


def _name(task: PlayTask) -> str:
    return f"{task.__module__}.{getattr(task, '__qualname__', task)}"
