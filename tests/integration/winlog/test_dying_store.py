"""A store that dies in the middle of its handshake, or speaks nonsense: away or unknown, and no other error."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections import Counter
from collections.abc import Awaitable, Callable

import pytest
import uvloop

from system.contract.errors import StoreRefused, StoreUnknown
from system.contract.ids import START, Position
from system.winlog import AppendUnknown, Stored, WinLog, WinLogStore
from tests.support.dying import DyingServer
from tests.support.stores import LOOPBACK, wait_until
from tests.support.win_stream import entry

AT_ONCE = 24
HELLO = b"+OK\r\n"
Call = Callable[[WinLog], Awaitable[object]]

CALLS: tuple[Call, ...] = (
    lambda log: log.append(entry(1, 1), 1, 1),
    lambda log: log.append_many([Stored(Position(1, 1), entry(1, 1))]),
    lambda log: log.raise_fence(1),
    lambda log: log.read_under_fence(1),
    lambda log: log.last_id(1),
    lambda log: log.read_after(START, 10),
    lambda log: log.read_after(START, 1000),
    lambda log: log.tail(),
)


def told(port: int, calls: int, at_once: int = AT_ONCE) -> Counter[str]:
    """How so many calls ended, `at_once` of them at a time: the class of each error."""
    ended: Counter[str] = Counter()
    turn = itertools.cycle(CALLS)

    async def worker(log: WinLog) -> None:
        while ended.total() < calls:
            call = next(turn)
            try:
                await call(log)
            except (StoreUnknown, StoreRefused) as exc:
                ended[type(exc).__name__] += 1
            else:
                ended["answered"] += 1

    async def whole() -> None:
        lost: list[str] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: lost.append(str(context)))
        async with WinLogStore(f"valkey://{LOOPBACK}:{port}/0", timeout_s=2.0) as store:
            log = store.stream(0, "live", 1, 0)
            async with asyncio.timeout(150), asyncio.TaskGroup() as group:
                for _ in range(at_once):
                    group.create_task(worker(log))
        assert lost == []

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(whole())
    return ended


@pytest.mark.parametrize("asked", [True, False], ids=["it was asked", "before it was asked"])
@pytest.mark.parametrize("reset", [True, False], ids=["reset", "end of stream"])
def test_a_store_that_dies_in_the_handshake_is_away_and_nothing_else(
    reset: bool, asked: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    with DyingServer(lambda n: ((HELLO[: n % 4],), reset), asked=asked) as server:
        ended = told(server.port, 1500)
        wait_until(lambda: server.served >= 1500, 30, "as many connections answered and dropped")
    assert set(ended) == {"AppendUnknown", "StoreUnknown"}
    assert not caplog.records


GREETED = b"+OK\r\n" * 2
NONSENSE = (
    b"\r\n",
    b"\x00\xff\x16",
    b"HTTP/1.1 400 Bad Request\r\n\r\n",
    b":abc\r\n",
    b":\r\n",
    b"$-5\r\n",
    b"$x\r\n",
    b"*3\r\n:1\r\n",
    b"*2\r\n*0\r\n$1\r\nx\r\n",
    b"*1\r\n$-1\r\n",
    b"*2\r\n$2\r\nOK\r\n*1\r\n*1\r\n$3\r\n1-x\r\n",
    b"*2\r\n$2\r\nOK\r\n*1\r\n*2\r\n$3\r\n1-x\r\n$1\r\ne\r\n",
    b"*1\r\n*1\r\n$3\r\n1-1\r\n",
    b"*1\r\n:7\r\n",
    b"*3\r\n$3\r\n1-1\r\n$1\r\nx\r\n$1\r\ne\r\n",
    b"*3\r\n$3\r\n1-1\r\n$0\r\n\r\n$0\r\n\r\n",
    b":7\r\n",
    b"+\xff\xfe\r\n",
    b"$3\r\nabc\r\n",
    b"%1\r\n+a\r\n",
    b"~1\r\n:1\r\n",
    b"#t\r\n",
    b"_\r\n",
    b"(12\r\n",
    b"=9\r\ntxt:12345\r\n",
    b">2\r\n+a\r\n+b\r\n",
)


def test_a_store_that_speaks_nonsense_is_away_and_nothing_else() -> None:
    """Every call with every nonsense, whole and torn: none is taken for a verdict, none raises another error."""
    rows = [GREETED[:-end] if end else GREETED + text for text in NONSENSE for end in (0, 1, 7)]
    with DyingServer(lambda n: ((rows[n // len(CALLS) % len(rows)],), n % 2 == 0), asked=True) as server:
        ended = told(server.port, len(rows) * len(CALLS), at_once=1)
    assert ended["AppendUnknown"] > 0
    assert set(ended) <= {"AppendUnknown", "StoreUnknown"}, ended


def test_an_answer_meant_for_another_question_is_never_taken_for_this_one() -> None:
    """An answer too many on a connection: the call it came with is unknown, and nobody hears it later."""
    extra = GREETED + b":7\r\n" + b"+OK\r\n" * 3

    async def whole() -> None:
        with DyingServer(lambda n: ((extra, b"+OK\r\n"), True), asked=True) as server:
            async with WinLogStore(f"valkey://{LOOPBACK}:{server.port}/0", timeout_s=2.0) as store:
                log = store.stream(0, "live", 1, 0)
                for _ in range(20):
                    with pytest.raises(AppendUnknown):
                        await log.append(entry(1, 1), 1, 1)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(whole())
