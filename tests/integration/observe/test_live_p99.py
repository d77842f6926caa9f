"""What a rule on `live p99` reads, of a real front: what the public's wins waited for their win log before the load and
under it, that one waits, and that after the stop none does any more.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import aiohttp

from harness import loopback
from harness.errors import HarnessError
from harness.guard.recovery import stop_of
from harness.guard.stop import StopRules
from harness.orchestrate.sampler import MoneySampler
from harness.runs.state import MoneySample, RunState
from harness.stack.addresses import Addresses
from plans.models.stress import StopAboveFactor
from plans.signals import Reading
from plans.signals.live_p99 import BASE_LEAST
from tests.support.deadline import lasting, until
from tests.support.front import Rig
from tests.support.front_process import Taps, environment, on_process, process, started
from tests.support.stores import LOOPBACK, ValkeyServer, free_port

RULE = StopAboveFactor(signal="live_p99", above="1.2x", window="2s", min_samples=1)
ALL = float("inf")


def nobody(round_: int) -> None:
    raise HarnessError("this test has no control of a run")


class Watched:
    """A sampler beside one front, asked at seconds of a run that a test names."""

    def __init__(self, front_url: str) -> None:
        self.state = RunState("r", "p", "stress", "1", "", 60.0)
        at = Addresses.plain(front_metrics_urls=(front_url,))
        self._sampler = MoneySampler(at, cast(Any, SimpleNamespace(money=nobody)), 1, self.state)

    async def at(self, second: float) -> Reading:
        self.state.now_s = second

        def sampled() -> MoneySample:
            with loopback.session(20.0) as session:
                return self._sampler._sample(session)

        return Reading(second, money=await asyncio.to_thread(sampled))


def appends(reading: Reading) -> float:
    return (reading.money.live_append or {}).get(ALL, 0.0)


def test_slow_wins_of_the_public_break_the_rule_and_its_last_one_ends_it(
    valkey_server: ValkeyServer, tmp_path: Path
) -> None:
    async def scenario(rig: Rig, session: aiohttp.ClientSession) -> None:
        round_id = rig.new_round_id()
        rig.control.add_round(round_id)
        env = environment(rig, tmp_path) | {"XIU_METRICS_LISTEN": f"{LOOPBACK}:{free_port()}"}
        taps, watched, rules = Taps(session, env), Watched(f"http://{env['XIU_METRICS_LISTEN']}"), StopRules([RULE])
        users = iter(range(1, 1000))

        async def told(second: float, count: int) -> Reading:
            """A front tells of an append, and that nothing waits, a moment after the answer to its tap."""
            found: list[Reading] = []

            async def all_told() -> bool:
                found.append(await watched.at(second))
                return appends(found[-1]) >= count and found[-1].money.live_pending == 0

            await until(all_told, f"{count} appends are told")
            return found[-1]

        async def won() -> dict[str, object]:
            return await taps.win(round_id, next(users))

        async def slowly() -> asyncio.Task[dict[str, object]]:
            """One user wins, and the win log's answer comes late."""
            rig.relay.flow.clear()
            waiting = asyncio.create_task(won())

            async def waits() -> bool:
                return (await watched.at(watched.state.now_s)).money.live_pending == 1

            await until(waits, "a win of the public waits for its win log")
            await lasting(0.5, "the win log's answers are late")
            return waiting

        async with process(env):
            await started(taps)
            for _ in range(BASE_LEAST):
                await won()
            calm = await told(0.0, BASE_LEAST)
            assert rules.feed(calm) is None

            waiting = await slowly()
            rig.relay.flow.set()
            await waiting
            fired = await told(2.0, BASE_LEAST + 1)
            reason = rules.feed(fired)
            assert reason is not None
            assert str(reason).startswith("live_p99")

            # The last one of the public: it still waits, is answered late, and then nobody wins any more.
            last = await slowly()
            waits = await watched.at(3.0)
            assert waits.money.live_pending == 1
            rig.relay.flow.set()
            await last
            late = await told(4.0, BASE_LEAST + 2)
            over = await watched.at(5.0)
            assert over.money.live_pending == 0
        assert stop_of(RULE, [fired, waits, late]).recovered_s is None
        stop = stop_of(RULE, [fired, waits, late, over])
        assert (stop.recovered_s, stop.says) == (3.0, "recovered_idle")

    on_process(valkey_server, scenario)
