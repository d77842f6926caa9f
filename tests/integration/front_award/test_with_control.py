"""The award path with the real control, real credit and both real stores: one round from its start to its close."""

from __future__ import annotations

import asyncio

from system.contract.ids import START
from system.contract.routing import Topology
from system.settings import FrontSettings
from system.winlog import decode
from tests.support.control import BUDGET_FEN, SECRET, SPONSORS, LateClock, running, settings_of
from tests.support.deadline import until
from tests.support.front import eventually, started
from tests.support.played_front import credit
from tests.support.stores import LOOPBACK, ValkeyServer


def test_a_round_with_a_restart_and_a_lost_store_closes_to_the_fen(
    fresh_valkey: ValkeyServer, postgres_dsn: str
) -> None:
    async def scenario() -> None:
        clock = LateClock()
        async with running(settings_of(postgres_dsn, fresh_valkey.url), clock) as api, credit(api) as worker:
            url = str(api.client.make_url("")).rstrip("/")
            settings = FrontSettings(
                0, 0, (LOOPBACK, 0), url, fresh_valkey.url, Topology(("http://127.0.0.1:9000",), (0,)), SECRET
            )
            round_id = await api.make_round(duration_ms=300_000, release_ms=20_000)  # leases of 16
            async with started(settings) as first:
                await first.ready(round_id)
                won = {uid: await first.win(round_id, uid) for uid in range(10)}
                await worker.once()
                won |= {uid: await first.win(round_id, uid) for uid in range(10, 15)}
            async with started(settings) as second:
                round_ = await second.ready(round_id)
                assert round_.settled == won
                fresh_valkey.restart(kill=True)
                won[50] = await second.win(round_id, 50)
                fresh_valkey.command_line("FLUSHALL")
                await eventually(lambda: second.keeper(round_id).epoch >= 4, "a new epoch after the flush")
                await second.ready(round_id)
                won[51] = await second.win(round_id, 51)
                clock.ahead_us = 301_000_000
                await api.close(round_id)
                await eventually(lambda: round_.state == "closing", "closing")

                async def closed() -> bool:
                    await worker.once()
                    return round_.closed

                await until(closed, "closed")
                assert round_.settled == won
            money = await api.money(round_id)
            total = sum(win.fen for win in won.values())
            assert money["credited_fen"] == total
            assert money["suspense_fen"] == 0
            assert money["refunded_fen"] == BUDGET_FEN - total
            assert money["postings"] == len(won) == 17
            log = api.control.winlog.stream(0, "live", round_id, 0)
            entries = await log.read_after(START, 1000)
            assert {win.uid for at, raw in entries for win in decode(raw, at).wins()} == {*range(10, 15), 50, 51}

    asyncio.run(asyncio.wait_for(scenario(), 180))


def test_a_round_of_a_programme_is_armed_with_a_lease_before_its_start(
    fresh_valkey: ValkeyServer, postgres_dsn: str
) -> None:
    async def scenario() -> None:
        clock = LateClock()
        async with running(settings_of(postgres_dsn, fresh_valkey.url), clock) as api:
            url = str(api.client.make_url("")).rstrip("/")
            settings = FrontSettings(
                0, 0, (LOOPBACK, 0), url, fresh_valkey.url, Topology(("http://127.0.0.1:9000",), (0,)), SECRET
            )
            order = {"sponsors": SPONSORS, "duration_ms": 60_000, "start_us": clock.now_us + 3_600_000_000}
            body = {"name": "one", "title": "One", "arm_ahead_ms": 60_000, "order": order}
            loaded = await api.ok(
                await api.admin("POST", "/v1/programmes", {"programme": "evening", "rounds": [body]})
            )  # fmt: skip
            (one,) = loaded["rounds"]
            clock.ahead_us = one["arm_us"] - LateClock().now_us
            async with started(settings) as front:
                round_ = await front.ready(one["round"])

                async def armed() -> bool:
                    found = await api.ok(await api.get("/v1/programmes"))
                    (shown,) = found["programmes"][0]["rounds"]
                    (at,) = shown["fronts"]
                    return bool(
                        shown["state"] == "armed" and at["ready"] and at["leased_packets"] and not at["refused"]
                    )

                await until(armed, "armed with a lease")
                assert clock.now_us < round_.start_us

                async def certain() -> bool:
                    (seen,) = (await api.ok(await api.get("/v1/fronts")))["fronts"]
                    return bool(seen["clock"] and 0 <= seen["clock"]["uncertain_us"] <= 50_000)

                await until(certain, "the front knows control's time")

    asyncio.run(asyncio.wait_for(scenario(), 180))
