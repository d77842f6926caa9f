"""`python -m system.credit`: one credit worker with its metrics, until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import sys
import time

import uvloop
from aiohttp import web
from prometheus_client import CollectorRegistry

from system.contract.errors import SettingsError
from system.contract.parties import SMS
from system.contract.web import application, listening
from system.credit.metrics import CreditMetrics
from system.credit.notices import Notices
from system.credit.switches import Switches
from system.credit.worker import Worker
from system.outside.caller import OutsideCaller
from system.settings import CreditSettings
from system.tokens import internal_key
from system.web import add_health, counter
from system.winlog import WinLogStore

CANCEL_AGAIN_S = 1.0
FIRST_WORD_S = 1.0
"""How long the start waits for control."""
READY_S = 3.0
"""`/healthz` fails if no pass finished within this time."""


def _app(registry: CollectorRegistry, worker: Worker) -> web.Application:
    def missing() -> str:
        passed = worker.passed_at > 0 and time.monotonic() - worker.passed_at < READY_S
        return "" if passed else f"no pass over the streams was finished within {READY_S:g} s"

    app = application()
    add_health(app, registry, missing)
    return app


async def _work(worker: Worker, switches: Switches) -> None:
    """The worker, once it knows its switches, so that a pause ordered before this start holds in it too. Where control
    is away, the worker begins with the defaults.
    """
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(FIRST_WORD_S):
            await switches.known.wait()
    await worker.run()


async def serve(settings: CreditSettings) -> None:
    """Runs the worker, its metrics and the switches until SIGTERM or SIGINT."""
    registry = CollectorRegistry()
    switches = Switches(settings.control_url, internal_key(settings.secret), settings.lane, cell=settings.cell)
    stopping = asyncio.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signum, stopping.set)
    calls = counter(registry, "hongbao_outside_calls_total")
    async with (
        WinLogStore(settings.valkey_url, timeout_s=settings.store_timeout_s) as store,
        OutsideCaller(SMS, settings.sms, calls, timeout_s=settings.sms_timeout_s) as sms,
    ):
        # A lane without an address tells nobody, and counts nothing.
        told = settings.sms.of(settings.lane) is not None
        notices = Notices(settings.lane, sms, settings.notice_from_fen) if told else None
        worker = Worker(settings, store, CreditMetrics(registry, settings.lane), switches, notices=notices)
        async with listening(_app(registry, worker), settings.metrics_listen), asyncio.TaskGroup() as group:
            tasks = [group.create_task(_work(worker, switches)), group.create_task(switches.follow())]
            tasks += [] if notices is None else [group.create_task(notices.send())]
            await stopping.wait()
            pending = set(tasks)
            while pending:
                # Once is not always enough: a client library that is cancelled within a time-out of its own may take
                # the cancellation for the time-out, and the worker would go on for ever.
                for task in pending:
                    task.cancel()
                _, pending = await asyncio.wait(pending, timeout=CANCEL_AGAIN_S)


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
