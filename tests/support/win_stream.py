"""A fresh stream on the real Valkey, and hands to play foul with."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from valkey.asyncio import Valkey

from system.contract.ids import START
from system.winlog import Header, Verdict, Win, WinLog, WinLogStore, encode
from tests.support.stores import ValkeyServer

TIMEOUT_S = 20.0
ROUNDS = itertools.count(1_000_000)  # no other test on the shared server has a round of these


def entry(epoch: int, sequence: int, fen: int = 100, count: int = 1) -> bytes:
    wins = [Win(sequence * 1000 + n, fen, 10_000 + n, 1_700_000_000_000_000, 3, 0) for n in range(count)]
    return encode(Header("live", 1, 0, epoch, sequence, 1), wins)


async def put(log: WinLog, epoch: int, sequence: int, fen: int = 100) -> Verdict:
    return await log.append(entry(epoch, sequence, fen), epoch, sequence)


class Bench:
    """A fresh stream on the server, a raw client beside it to play foul with."""

    def __init__(self, server: ValkeyServer, store: WinLogStore, raw: Valkey) -> None:
        self.server, self.store, self.raw = server, store, raw
        self.round_id = next(ROUNDS)
        self.log = store.stream(0, "live", self.round_id, 0)

    async def ids(self) -> list[str]:
        return [str(at) for at, _ in await self.log.read_after(START, 1000)]

    async def command(self, *parts: str | int) -> object:
        return await self.raw.execute_command(*parts)  # type: ignore[no-untyped-call]


@asynccontextmanager
async def bench(server: ValkeyServer, timeout_s: float = TIMEOUT_S) -> AsyncIterator[Bench]:
    raw = Valkey.from_url(server.url)
    async with WinLogStore(server.url, timeout_s=timeout_s) as store:
        try:
            yield Bench(server, store, raw)
        finally:
            await raw.aclose()
