"""One snapshot of a lane's ledger, for all that an audit reads of it. Owns the transaction. Changes nothing."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Protocol

from system.contract.ids import Lane
from system.ledger.access import Connection
from system.ledger.statements import statement
from system.ledger.translate import translated


class SnapshotRows(Protocol):
    """All rows of a named statement, as the snapshot has them."""

    async def __call__(self, name: str, /, **params: Any) -> list[tuple[Any, ...]]:
        """Raises TableMissing: the ledger is older than a table that the statement reads. StoreUnknown."""


class TableMissing(Exception):
    """The ledger is of a version that has no such table."""


class Snapshot:
    """A transaction under way: whatever is read in it was true at one moment. `tables`: those of the lane."""

    def __init__(self, conn: Connection, lane: Lane, tables: frozenset[str]) -> None:
        self.conn, self.lane, self.tables = conn, lane, tables

    async def rows(self, name: str, /, **params: Any) -> list[tuple[Any, ...]]:
        """As `SnapshotRows` says."""
        text = statement(name, self.lane)
        missing = set(re.findall(rf"\b{self.lane}\.([a-z_]+)", text.decode())) - self.tables
        if missing:
            raise TableMissing(f"{name}: no table {', '.join(sorted(missing))}")
        return await (await self.conn.execute(text, params)).fetchall()


@asynccontextmanager
async def snapshot(conn: Connection, lane: Lane) -> AsyncIterator[Snapshot]:
    """Driver errors inside become StoreUnknown or StoreRefused."""
    with translated("read the ledger"):
        async with conn.transaction():
            await conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            found = await (await conn.execute(statement("audit_tables", lane))).fetchall()
            yield Snapshot(conn, lane, frozenset(name for (name,) in found))
