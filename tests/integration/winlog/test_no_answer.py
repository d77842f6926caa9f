"""The win log when its Valkey restarts, freezes, breaks off: a fence ends with the process, no answer is unknown."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

import pytest

from system.contract.errors import StoreUnknown
from system.contract.ids import START, Position
from system.winlog import AppendUnknown, Fenced, StaleEpoch, Stored, Verdict, WinLog, WinLogStore
from tests.support.deadline import lasting, until
from tests.support.relay import Relay
from tests.support.stores import LOOPBACK, ValkeyServer, wait_until
from tests.support.win_stream import ROUNDS, TIMEOUT_S, bench, entry, put

OK, FENCED = Verdict.OK, Verdict.FENCED
SILENT_S = 2.5
"""The time-out of a caller that gets no answer: longer than a busy machine stands still, for he is answered before."""


@pytest.mark.parametrize("kill", [pytest.param(True, id="kill -9"), pytest.param(False, id="orderly")])
def test_fence_ends_with_the_process(valkey_server: ValkeyServer, kill: bool) -> None:
    async def scenario() -> list[str]:
        async with bench(valkey_server) as b:
            await b.log.raise_fence(1)
            for n in (1, 2):
                assert await put(b.log, 1, n) is OK
            valkey_server.restart(kill=kill)
            await asyncio.sleep(0.05)  # the loop hears that its connections have ended
            # What was answered OK is there, the library too; the fence is not.
            assert await b.ids() == ["1-1", "1-2"]
            assert await b.command("GET", b.log.key.replace("win:", "fence:")) == b"1"
            assert await b.store.ensure_library() is False
            assert await put(b.log, 1, 3) is FENCED
            assert await put(b.log, 1, 2) is FENCED
            with pytest.raises(Fenced):
                await b.log.read_under_fence(1)
            with pytest.raises(StaleEpoch):
                await b.log.raise_fence(1)
            await b.log.raise_fence(2)
            assert await put(b.log, 2, 1) is OK
            return await b.ids()

    assert asyncio.run(scenario()) == ["1-1", "1-2", "2-1"]


def calls(server: ValkeyServer) -> int:
    """FCALLs the server has executed."""
    for line in server.command_line("INFO commandstats").decode().splitlines():
        if line.startswith("cmdstat_fcall:"):
            return int(line.split("calls=")[1].split(",")[0])
    return 0


def test_no_answer_is_unknown_and_nothing_is_sent_twice(valkey_server: ValkeyServer) -> None:
    async def scenario() -> None:
        async with bench(valkey_server, timeout_s=SILENT_S) as b:
            await b.log.raise_fence(1)
            assert await put(b.log, 1, 1) is OK
            before = calls(valkey_server)
            valkey_server.freeze()
            try:
                with pytest.raises(AppendUnknown, match="no answer to FCALL xiu_append") as caught:
                    await put(b.log, 1, 2)
                assert caught.value.effect == "unknown"
            finally:
                valkey_server.thaw()
            wait_until(lambda: calls(valkey_server) > before, TIMEOUT_S, "frozen call executed")
            # It had happened; the same bytes again are harmless.
            assert await b.ids() == ["1-1", "1-2"]
            assert await put(b.log, 1, 2) is OK
            assert await put(b.log, 1, 3) is OK
            assert await b.ids() == ["1-1", "1-2", "1-3"]
            assert calls(valkey_server) == before + 3

    asyncio.run(scenario())


async def _append(log: WinLog) -> None:
    await put(log, 1, 1)


async def _raise(log: WinLog) -> None:
    await log.raise_fence(2)


@pytest.mark.parametrize("cut", [pytest.param(False, id="swallowed"), pytest.param(True, id="with its connection")])
@pytest.mark.parametrize(
    ("call", "word"),
    [pytest.param(_append, b"xiu_append", id="append"), pytest.param(_raise, b"xiu_raise", id="raise")],
)
def test_one_answer_lost_by_a_live_server_is_unknown_and_nothing_is_sent_again(
    valkey_server: ValkeyServer, call: Callable[[WinLog], Awaitable[None]], word: bytes, cut: bool
) -> None:
    """Everything else is answered, a new connection too: a library that tries again would be heard."""

    async def scenario() -> None:
        async with (
            Relay(valkey_server.port) as relay,
            WinLogStore(f"valkey://{LOOPBACK}:{relay.port}/0", timeout_s=SILENT_S) as store,
        ):
            log = store.stream(0, "live", next(ROUNDS), 0)
            await log.raise_fence(1)
            before = calls(valkey_server)
            relay.cut_instead, relay.lose_answer_to = cut, word
            with pytest.raises(StoreUnknown, match=f"no answer to FCALL {word.decode()}"):
                await call(log)

            async def dropped() -> bool:
                return relay.dropped == 1

            await until(dropped, what="the answer came, and was lost")
            assert calls(valkey_server) == before + 1

    asyncio.run(scenario())


def test_cancelled_append_leaves_no_answer_for_the_next_call(valkey_server: ValkeyServer) -> None:
    async def scenario() -> None:
        async with bench(valkey_server) as b:
            await b.log.raise_fence(1)
            assert await put(b.log, 1, 1) is OK
            valkey_server.freeze()
            try:
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.1):
                        await put(b.log, 1, 2)
            finally:
                valkey_server.thaw()
            assert await b.log.last_id(1) in (Position(1, 1), Position(1, 2))
            assert await put(b.log, 1, 2) is OK
            assert await b.ids() == ["1-1", "1-2"]

    asyncio.run(scenario())


def test_broken_connection_is_unknown(valkey_server: ValkeyServer) -> None:
    async def scenario() -> None:
        async with bench(valkey_server) as b:
            await b.log.raise_fence(1)
            assert await put(b.log, 1, 1) is OK
            valkey_server.freeze()
            waiting = [asyncio.create_task(put(b.log, 1, 2)) for _ in range(2)]
            many = asyncio.create_task(b.log.append_many([Stored(Position(1, 2), entry(1, 2))]))
            await lasting(0.1, "the appends lie in a frozen store")
            valkey_server.kill()
            for outcome in await asyncio.gather(*waiting, many, return_exceptions=True):
                assert isinstance(outcome, AppendUnknown)
            valkey_server.start()
            await asyncio.sleep(0.05)
            assert await put(b.log, 1, 2) is FENCED

    asyncio.run(scenario())


def test_nobody_there_is_unknown() -> None:
    async def scenario() -> None:
        with socket.socket() as taken:
            taken.bind((LOOPBACK, 0))  # and nobody listens
            await nobody(taken.getsockname()[1])

    async def nobody(port: int) -> None:
        async with WinLogStore(f"valkey://{LOOPBACK}:{port}/0", timeout_s=1.0) as store:
            log = store.stream(0, "live", 1, 0)
            with pytest.raises(AppendUnknown):
                await put(log, 1, 1)
            with pytest.raises(StoreUnknown):
                await log.raise_fence(1)
            with pytest.raises(StoreUnknown):
                await log.read_after(START, 1)

    asyncio.run(scenario())
