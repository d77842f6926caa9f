"""A PostgreSQL that dies in the middle of its handshake or of an answer, or speaks nonsense: unknown or refused, and
no other error leaves the ledger's access."""

from __future__ import annotations

import asyncio
import itertools
import struct
from collections import Counter
from collections.abc import Awaitable, Callable

import pytest
import uvloop

from system.contract.errors import StoreRefused, StoreUnknown
from system.ledger.access import Pool, open_url
from system.ledger.migrate import migrate
from tests.support.books import SECRET
from tests.support.dying import DyingServer
from tests.support.stores import LOOPBACK, wait_until

AT_ONCE = 8


def message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!I", len(body) + 4) + body


READY = message(b"Z", b"I")
GREETED = message(b"R", struct.pack("!I", 0)) + message(b"S", b"client_encoding\0UTF8\0") + READY
COLUMN = struct.pack("!H", 1) + b"n\0" + struct.pack("!IHIHIH", 0, 0, 20, 8, 0xFFFFFFFF, 0)
ROW = message(b"D", struct.pack("!HI", 1, 3) + b"abc")
WHOLE = message(b"1", b"") + message(b"2", b"") + message(b"T", COLUMN) + ROW + message(b"C", b"SELECT 1\0") + READY
NONSENSE = (
    b"",
    b"\0",
    b"HTTP/1.1 400 Bad Request\r\n\r\n",
    b"D\xff\xff\xff\xff",
    b"T\0\0\0\x02",
    b"E\0\0\0\x05\0",
    WHOLE,
)


async def _read(pool: Pool) -> None:
    await pool.fetch(b"SELECT n FROM numbers")


async def _write(pool: Pool) -> None:
    async with pool.transaction("write") as conn:
        await conn.execute(b"INSERT INTO numbers VALUES (1)")


async def _copy(pool: Pool) -> None:
    async with (
        pool.transaction("copy") as conn,
        conn.cursor() as cursor,
        cursor.copy(b"COPY numbers FROM STDIN") as copy,
    ):
        for _ in range(200):
            await copy.write(b"1\n" * 1000)


async def _open(pool: Pool) -> None:
    await (await open_url(pool.url, timeout_s=2.0)).close()


async def _migrate(pool: Pool) -> None:
    await migrate(pool.url, SECRET)


USES: tuple[Callable[[Pool], Awaitable[None]], ...] = (_read, _write, _copy, _open, _migrate)


def told(port: int, calls: int, uses: tuple[Callable[[Pool], Awaitable[None]], ...] = USES) -> Counter[str]:
    """How so many uses ended, AT_ONCE of them at a time: the class of each error."""
    ended: Counter[str] = Counter()
    turn = itertools.cycle(uses)
    lost: list[str] = []

    async def worker(pool: Pool) -> None:
        while ended.total() < calls:
            use = next(turn)
            try:
                await use(pool)
            except (StoreUnknown, StoreRefused) as exc:
                ended[type(exc).__name__] += 1
            else:
                ended["answered"] += 1

    async def whole() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: lost.append(str(context)))
        pool = Pool(f"postgresql://xiu@{LOOPBACK}:{port}/xiu", "xiu_live", SECRET, size=AT_ONCE, timeout_s=1.0)
        async with asyncio.timeout(150), asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(worker(pool))
        await pool.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(whole())
    assert lost == []
    return ended


@pytest.mark.parametrize("asked", [True, False], ids=["it was asked", "before it was asked"])
@pytest.mark.parametrize("reset", [True, False], ids=["reset", "end of stream"])
def test_a_server_that_dies_in_the_handshake_is_away_and_nothing_else(reset: bool, asked: bool) -> None:
    def script(n: int) -> tuple[tuple[bytes, ...], bool]:
        cut = n % 12
        return ((b"N"[:cut],) if cut < 2 else (b"N", GREETED[: cut - 2])), reset

    with DyingServer(script, asked=asked) as server:
        ended = told(server.port, 300)
        wait_until(lambda: server.served >= 300, 30, "as many connections answered and dropped")
    assert set(ended) == {"StoreRefused"}


@pytest.mark.parametrize("reset", [True, False], ids=["reset", "end of stream"])
def test_a_server_that_dies_in_an_answer_or_speaks_nonsense_is_away_and_nothing_else(reset: bool) -> None:
    def script(n: int) -> tuple[tuple[bytes, ...], bool]:
        answer = NONSENSE[n % len(NONSENSE)]
        return (b"N", GREETED, answer, *((answer,) if answer is WHOLE else ())), reset

    with DyingServer(script, asked=True) as server:
        ended = told(server.port, 300, (_read, _write, _copy))
    assert set(ended) <= {"StoreUnknown", "StoreRefused"}, ended
    assert ended["StoreUnknown"] > 0
