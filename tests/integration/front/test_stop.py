"""A graceful stop: no win is lost, new taps are refused in words, nothing stays open."""

from __future__ import annotations

import asyncio

import pytest

from system.front.seam import SettledWin, Waiter
from tests.support.bare_front import LIVE, eventually, rig, run, soon, statuses, tap, token

WON = SettledWin(packet=5, fen=100, sponsor=1, time_us=1)


def hold(round_: object, waiters: list[Waiter]) -> None:
    """Makes a bare round keep every award pending until the test says more."""

    def award(uid: int, now_us: int, waiter: Waiter) -> bool:
        round_.pending[uid] = WON  # type: ignore[attr-defined]
        waiters.append(waiter)
        return True

    round_.award = award  # type: ignore[attr-defined]


def test_who_waits_for_a_win_is_told_it_and_the_rest_is_refused() -> None:
    async def scenario() -> None:
        waiters: list[Waiter] = []
        async with rig(win_every=1) as made:
            hold(made.front.rounds[LIVE], waiters)
            winner = asyncio.create_task(made.exchange(tap(LIVE, token(1))))
            await eventually(lambda: len(waiters) == 1, "the award is on its way")
            reader, writer = await asyncio.open_connection(*made.server.address)
            await eventually(lambda: made.metrics.connections == 2, "the second client is there")
            stopping = asyncio.create_task(made.server.stop(deadline_s=30.0))
            await asyncio.sleep(0)
            writer.write(tap(LIVE, token(2)))
            refused = await soon(reader.read())
            assert statuses(refused) == [503]
            assert b'"effect":"none"' in refused
            assert not stopping.done()
            waiters[0](WON)
            assert b'"award":"1-5"' in await soon(winner)
            await asyncio.wait_for(stopping, 60)
            writer.close()
            with pytest.raises(ConnectionError):
                await asyncio.open_connection(*made.server.address)
            await eventually(lambda: made.metrics.connections == 0, "every connection ends")

    run(scenario)


def test_a_stop_does_not_wait_for_ever() -> None:
    async def scenario() -> None:
        waiters: list[Waiter] = []
        async with rig(win_every=1) as made:
            hold(made.front.rounds[LIVE], waiters)
            winner = asyncio.create_task(made.exchange(tap(LIVE, token(1))))
            await eventually(lambda: len(waiters) == 1, "the award is on its way")
            await asyncio.wait_for(made.server.stop(deadline_s=0.2), 60)
            assert await soon(winner) == b""
            waiters[0](WON)
            assert made.metrics.taps[0][0] == 1

    run(scenario)
