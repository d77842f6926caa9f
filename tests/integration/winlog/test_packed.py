"""Packed reads are plain reads: the same entries, odd ones included, also after the server forgot the script."""

from __future__ import annotations

import asyncio
import itertools

from system.contract.ids import START, Position
from system.winlog import Header, Win, WinLogStore, encode
from system.winlog.log import PACKED_FROM
from tests.support.stores import ValkeyServer

_CELLS = itertools.count(7000)


def test_packed_is_the_same(valkey_server: ValkeyServer) -> None:
    async def body() -> None:
        async with WinLogStore(valkey_server.url, timeout_s=20.0) as store:
            log = store.stream(next(_CELLS), "live", 1, 0)
            assert await log.read_after(START, PACKED_FROM) == []
            for number in range(1, 3 * PACKED_FROM):
                entry = encode(Header("live", 1, 0, 1, number, 1), [Win(number, 1, number, 5, 7, 0)] * (number % 3 + 1))
                await store.command("XADD", log.key, f"1-{number}", "e", entry)
            await store.command("XADD", log.key, "2-1", "other", "x", "e", "y")
            plain = [stored for at in range(3 * PACKED_FROM) for stored in await log.read_after(Position(1, at), 1)]
            plain += await log.read_after(Position(1, 3 * PACKED_FROM), 1)
            packed = await log.read_after(START, 1000)
            assert packed[-1] == (Position(2, 1), b"")
            assert [stored.at for stored in packed[:-1]] == [Position(1, n) for n in range(1, 3 * PACKED_FROM)]
            assert packed == list(dict.fromkeys(plain))
            await store.command("SCRIPT", "FLUSH")
            assert await log.read_after(Position(1, 3 * PACKED_FROM - 2), PACKED_FROM) == packed[-2:]
            assert len(await log.read_after(START, PACKED_FROM)) == PACKED_FROM

    asyncio.run(body())
