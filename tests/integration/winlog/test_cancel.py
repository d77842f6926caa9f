"""A cancellation is never lost in a call to the store: whoever stops a part waits for its tasks to end."""

from __future__ import annotations

import asyncio

import pytest
import uvloop

from system.winlog import WinLogStore
from tests.support.stores import ValkeyServer

CALLERS, TRIES, STEPS = 8, 60, 24


@pytest.mark.parametrize("loop_factory", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def test_a_caller_that_is_cancelled_at_any_step_of_a_call_ends(
    valkey_server: ValkeyServer, loop_factory: type[asyncio.AbstractEventLoop]
) -> None:
    async def body() -> None:
        async with WinLogStore(valkey_server.url, timeout_s=30.0) as store:

            async def ask_on() -> None:
                while True:
                    await store.command("PING")

            for attempt in range(TRIES):
                callers = [asyncio.create_task(ask_on()) for _ in range(CALLERS)]
                for _ in range(attempt % STEPS):
                    await asyncio.sleep(0)
                for caller in callers:
                    caller.cancel()
                    await asyncio.sleep(0)
                _, going = await asyncio.wait(callers, timeout=30.0)
                lost = len(going)
                for caller in going:
                    caller.cancel()
                assert lost == 0, f"{lost} callers went on, cancelled after {attempt % STEPS} steps"

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(body())
