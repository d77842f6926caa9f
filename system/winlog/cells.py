"""The win logs of all cells: one Valkey each. For processes that use several of them (control, the audit)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Self

from system.contract.ids import Lane
from system.winlog.log import WinLog, WinLogStore


class WinLogs:
    """Cell → its store. An async context manager.

    `urls`: the address of each cell's Valkey. That of cell 0, or an address alone, serves every cell that has none of
    its own: the cell is the hash tag of its keys, so one Valkey, or a cluster, may hold several.
    """

    def __init__(self, urls: str | Mapping[int, str], *, timeout_s: float) -> None:
        named = {0: urls} if isinstance(urls, str) else urls
        self._stores = {cell: WinLogStore(url, timeout_s=timeout_s) for cell, url in sorted(named.items())}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Lets go of every connection to every store."""
        for store in self._stores.values():
            await store.close()

    def __iter__(self) -> Iterator[WinLogStore]:
        """Every store, by cell."""
        return iter(self._stores.values())

    def of(self, cell: int) -> WinLogStore:
        """The store of a cell."""
        return self._stores.get(cell) or self._stores[0]

    def stream(self, cell: int, lane: Lane, round_id: int, front: int) -> WinLog:
        """The log of one front, lane and round."""
        return self.of(cell).stream(cell, lane, round_id, front)
