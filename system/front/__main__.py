"""`python -m system.front`: one front from its environment, until SIGTERM, SIGINT, or a newer start of the same front.

Owns the order of start and stop. A graceful stop loses no win: new taps are refused, appends on their way get their
answer, every waiting user gets an answer, then the process ends.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from typing import Final

import uvloop

from system.contract import compiled
from system.contract.errors import SettingsError, Superseded
from system.contract.memory import settle_memory
from system.front.counting import Counting
from system.front.link import ControlLink
from system.front.metrics import FrontMetrics
from system.front.pages import pages
from system.front.places import places_of, raise_file_limit
from system.front.server import serve
from system.front.sync import FrontState, Sync
from system.settings import FrontSettings
from system.winlog import WinLogStore

log = logging.getLogger("system.front")

SETTLE_S: Final = 5.0
"""How long a stop waits for appends on their way; the users of later ones got `pending` long before."""
COUNTS_S: Final = 2.0
"""How long a stop waits for control to take the last counts."""


async def run(settings: FrontSettings, stop: asyncio.Event) -> int:
    """Serves until `stop` is set or this start is superseded; the exit code."""
    state, metrics = FrontState(), FrontMetrics()
    async with (
        ControlLink(settings.control_url, settings.front, settings.secret) as control,
        WinLogStore(settings.valkey_url, timeout_s=settings.append_timeout_s) as store,
    ):
        sync = Sync(state, control, store, settings, metrics)
        async with pages(state, settings, metrics) as (host, port):
            server = await serve(state, settings, metrics)
            settle_memory()
            log.info("front serves, metrics on %s:%d", host, port, extra={"event": "front_serves"})
            counting = Counting(server.draw, control, lambda: sync.instance, state.now_us, sync.answering)
            counted = asyncio.create_task(counting.run(), name="counting")
            following = asyncio.create_task(sync.run(), name="sync")
            stopping = asyncio.create_task(stop.wait(), name="stop")
            try:
                await asyncio.wait((following, stopping), return_when=asyncio.FIRST_COMPLETED)
                left = await sync.settle(SETTLE_S) if not following.done() else 0
                log.info("front stops", extra={"event": "front_stops", "unanswered": left})
            finally:
                await server.stop()
                for task in (following, stopping, counted):
                    task.cancel()
                await asyncio.wait((following, stopping, counted))
                await counting.finish(COUNTS_S)
    return _outcome(following)


def _outcome(following: asyncio.Task[None]) -> int:
    if following.cancelled() or (error := following.exception()) is None:
        return 0
    if isinstance(error, Superseded):
        log.warning("superseded: %s", error, extra={"event": "superseded"})
        return 0
    log.error("front broke", exc_info=error, extra={"event": "front_broke"})
    return 1


async def _main(settings: FrontSettings) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return await run(settings, stop)


def main() -> int:
    """Exit codes: 0 after a stop or when superseded, 1 internal, 2 bad settings."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        build = compiled.build()
        settings = FrontSettings.from_env()
        raise_file_limit(settings)
        places_of(settings)
    except SettingsError as exc:
        print(f"front: {exc}", file=sys.stderr)
        return 2
    log.info("hot path: %s", build, extra={"event": "hot_path", "compiled": compiled.runs_compiled()})
    try:
        return uvloop.run(_main(settings))
    except OSError as exc:
        print(f"front: {exc}; expected addresses that are free: XIU_LISTEN, XIU_METRICS_LISTEN", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
