"""A damaged entry, set aside: a front that starts anew, and one that remembers, both go on. On real parts.

Found by the model (docs/model.md): a rebuild that decodes what a person has set aside blocks for ever.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

from system.contract.ids import START, Position
from system.contract.routing import Topology
from system.credit.worker import Worker
from system.front.seam import SettledWin
from system.settings import FrontSettings
from system.winlog.codec import HEADER_BYTES
from tests.support.control import BUDGET_FEN, SECRET, Api, LateClock, running, settings_of
from tests.support.deadline import until
from tests.support.front import FrontUnderTest, eventually, started
from tests.support.played_front import credit
from tests.support.stores import LOOPBACK, ValkeyServer

REWRITE = """
server.call('DEL', KEYS[1])
for i = 1, #ARGV, 2 do server.call('XADD', KEYS[1], ARGV[i], 'e', ARGV[i + 1]) end
"""


def front_settings(api: Api, valkey: ValkeyServer) -> FrontSettings:
    url = str(api.client.make_url("")).rstrip("/")
    return FrontSettings(0, 0, (LOOPBACK, 0), url, valkey.url, Topology(("http://127.0.0.1:9000",), (0,)), SECRET)


async def damage_last(api: Api, round_id: int, byte: int) -> Position:
    """Another byte in the stream's last entry, in place, as a broken disk would leave it."""
    store = api.control.winlog.of(0)
    log = store.stream(0, "live", round_id, 0)
    stored = await log.read_after(START, 100)
    raw = bytearray(stored[-1].entry)
    raw[byte] ^= 1
    parts = [part for at, entry in stored[:-1] for part in (str(at), entry)]
    await store.command("EVAL", REWRITE, 1, log.key, *parts, str(stored[-1].at), bytes(raw))
    return stored[-1].at


async def set_aside(api: Api, worker: Worker, round_id: int, at: Position) -> int:
    """Credit comes to the entry and stops; a person sets it aside. The fen held."""
    await worker.once()
    body = {"front": 0, "epoch": at.epoch, "sequence": at.sequence, "why": "bad disk"}
    status, moved = await api.admin("POST", f"/v1/rounds/{round_id}/set-aside", body)
    assert status == 200, moved
    return int(moved["held_fen"])


async def close(api: Api, worker: Worker, clock: LateClock, front: FrontUnderTest, round_id: int) -> None:
    round_ = front.round(round_id)
    clock.ahead_us = 301_000_000
    await api.close(round_id)

    async def closed() -> bool:
        await worker.once()
        return round_.closed

    await until(closed, "closed")


async def balance(api: Api, round_id: int, won: dict[int, SettledWin], held_fen: int) -> None:
    money = await api.money(round_id)
    total = sum(win.fen for win in won.values())
    assert money["suspense_fen"] == held_fen > 0
    assert money["credited_fen"] + held_fen == total
    assert money["refunded_fen"] == BUDGET_FEN - total


def test_a_front_started_anew_is_blocked_until_then_and_goes_on(fresh_valkey: ValkeyServer, postgres_dsn: str) -> None:
    async def scenario() -> None:
        clock = LateClock()
        async with running(settings_of(postgres_dsn, fresh_valkey.url), clock) as api, credit(api) as worker:
            settings = front_settings(api, fresh_valkey)
            round_id = await api.make_round(duration_ms=300_000, release_ms=20_000)
            async with started(settings) as first:
                await first.ready(round_id)
                won = {uid: await first.win(round_id, uid) for uid in range(3)}
            at = await damage_last(api, round_id, HEADER_BYTES - 1)
            async with started(settings) as second:
                await eventually(
                    lambda: round_id in second.sync.keepers and bool(second.round(round_id).blocked), "blocked"
                )
            held_fen = await set_aside(api, worker, round_id, at)
            async with started(settings) as third:
                round_ = await third.ready(round_id)
                assert round_.settled == won
                won[50] = await third.win(round_id, 50)
                await close(api, worker, clock, third, round_id)
                assert round_.settled == won
            await balance(api, round_id, won, held_fen)

    asyncio.run(scenario())


def test_a_front_that_remembers_goes_on_whatever_the_damaged_record_says(
    fresh_valkey: ValkeyServer, postgres_dsn: str
) -> None:
    async def scenario() -> None:
        clock = LateClock()
        async with AsyncExitStack() as stack:
            api = await stack.enter_async_context(running(settings_of(postgres_dsn, fresh_valkey.url), clock))
            worker = await stack.enter_async_context(credit(api))
            round_id = await api.make_round(duration_ms=300_000, release_ms=20_000)
            front = await stack.enter_async_context(started(front_settings(api, fresh_valkey)))
            await front.ready(round_id)
            won = {uid: await front.win(round_id, uid) for uid in range(3)}
            at = await damage_last(api, round_id, HEADER_BYTES + 4)  # the amount
            held_fen = await set_aside(api, worker, round_id, at)
            before = front.keeper(round_id).epoch
            fresh_valkey.restart(kill=True)
            await eventually(lambda: front.keeper(round_id).epoch > before, "a new epoch")
            round_ = await front.ready(round_id)
            assert (round_.blocked, round_.settled) == ("", won)
            await close(api, worker, clock, front, round_id)
            assert round_.settled == won
            await balance(api, round_id, won, held_fen)

    asyncio.run(scenario())
