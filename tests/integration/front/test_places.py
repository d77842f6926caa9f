"""Silence on a real socket: it ends in time, and neither a tapper nor its connection feels it."""

from __future__ import annotations

import asyncio

from tests.support.bare_front import LIVE, eventually, get, rig, run, soon, statuses, tap, token

SHORT = {"request_timeout_s": 1.0, "first_word_s": 1.0, "idle_s": 2.0, "recent_s": 1.0}


def test_silent_and_idle_connections_end_in_time_and_a_tappers_does_not() -> None:
    async def scenario() -> None:
        async with rig(limiter_rate_per_s=1000, limiter_burst=1000, **SHORT) as made:
            silent, _silent = await asyncio.open_connection(*made.server.address)
            idle, spoke = await asyncio.open_connection(*made.server.address)
            spoke.write(get("/healthz"))
            assert statuses(await soon(idle.read(4096))) == [200]
            _deaf, asks = await asyncio.open_connection(*made.server.address, limit=1)
            asks.transport.pause_reading()  # type: ignore[attr-defined]
            asks.write(tap(LIVE, token(2)) * 3000)
            reader, writer = await asyncio.open_connection(*made.server.address)
            ended = asyncio.gather(silent.read(), idle.read())
            while not ended.done():
                writer.write(tap(LIVE, token(1)))
                assert statuses(await soon(reader.read(4096))) == [200]
                await asyncio.sleep(0.05)
            assert await ended == [b"", b""]
            await eventually(lambda: made.metrics.connections == 1, "also the one that does not read")
            assert made.metrics.connections_dropped == {"silent": 1, "idle": 2, "room": 0, "full": 0, "files": 0}
            for each in (_silent, spoke, asks, writer):
                each.close()

    run(scenario)


def test_where_every_place_is_taken_by_tappers_a_newcomer_is_refused_at_once() -> None:
    async def scenario() -> None:
        async with rig(connections_max=3) as made:
            there = [await asyncio.open_connection(*made.server.address) for _ in range(3)]
            for uid, (reader, writer) in enumerate(there, 1):
                writer.write(tap(LIVE, token(uid)))
                assert statuses(await soon(reader.read(4096))) == [200]
            reader, late = await asyncio.open_connection(*made.server.address)
            assert await soon(reader.read()) == b""
            assert made.metrics.connections_dropped["full"] == 1
            for uid, (reader, writer) in enumerate(there, 1):
                writer.write(tap(LIVE, token(uid)))
                assert statuses(await soon(reader.read(4096))) == [200]
            for each in (late, *(writer for _, writer in there)):
                each.close()

    run(scenario)
