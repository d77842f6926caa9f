"""`python -m system.credit`: one credit worker with its metrics, until it is told to stop."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
import time

import uvloop
from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest

from system.contract.errors import SettingsError
from system.credit.metrics import CreditMetrics
from system.credit.switches import Switches
from system.credit.worker import Worker
from system.settings import CreditSettings
from system.tokens import internal_key
from system.winlog import WinLogStore

READY_S = 3.0
"""A pass must have been finished within this time."""


def _app(registry: CollectorRegistry, worker: Worker) -> web.Application:
    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(registry), content_type="text/plain", charset="utf-8")

    async def alive(_: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def ready(_: web.Request) -> web.Response:
        ok = worker.passed_at > 0 and time.monotonic() - worker.passed_at < READY_S
        return web.Response(text="ready\n" if ok else "no finished pass\n", status=200 if ok else 503)

    app = web.Application()
    app.add_routes([web.get("/metrics", metrics), web.get("/healthz", alive), web.get("/readyz", ready)])
    return app


async def serve(settings: CreditSettings) -> None:
    """Runs the worker, its metrics and the switches until SIGTERM or SIGINT."""
    registry = CollectorRegistry()
    switches = Switches(settings.control_url, internal_key(settings.secret))
    stopping = asyncio.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signum, stopping.set)
    async with WinLogStore(settings.valkey_url, timeout_s=settings.store_timeout_s) as store:
        worker = Worker(settings, store, CreditMetrics(registry, settings.lane), switches)
        runner = web.AppRunner(_app(registry, worker), access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, *settings.metrics_listen).start()
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(worker.run()), group.create_task(switches.follow())]
                await stopping.wait()
                for task in tasks:
                    task.cancel()
        finally:
            await runner.cleanup()


def main() -> int:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    try:
        settings = CreditSettings.from_env()
    except SettingsError as exc:
        print(f"credit: {exc}", file=sys.stderr)
        return 2
    uvloop.run(serve(settings))
    return 0


if __name__ == "__main__":
    sys.exit(main())
