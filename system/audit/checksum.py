"""`python -m system.audit.checksum [--json] [--lane live|stress]`: a checksum of all that a lane holds, once.

Every table of the lane's schema from one snapshot, and of every stream of its win log the last id, the length and the
fence. Equal checksums before and after a stress run say that the other lane was not touched. Judges nothing. Exit
codes: 0 done · 2 bad input · 5 stores not reachable.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Coroutine, Iterable, Iterator, Mapping, Sequence

from psycopg import sql

from system.audit.look import shown
from system.contract.audit import LaneSum, TableSum
from system.contract.ids import LANES, Lane
from system.ledger.access import Connection, connect, lane_role
from system.ledger.statements import statement
from system.ledger.translate import translated
from system.settings import AuditSettings
from system.winlog import WinLogs, WinLogStore

TIMEOUT_S = 30.0
SCAN_COUNT = 1000

# Two 64-bit hashes of each row are added up. The sum does not depend on the order, so no table has to be sorted.
_ROWS = sql.SQL(
    "SELECT count(*), coalesce(sum(hashtextextended(t::text, 1)::numeric), 0),"
    " coalesce(sum(hashtextextended(t::text, 2)::numeric), 0) FROM {} AS t"
)
# What belongs to a round says so itself, or by the batch of its money.
_NOT_OF_ROUND = sql.SQL(" WHERE round <> {}")
_NOT_OF_BATCH = sql.SQL(" WHERE batch NOT IN (SELECT batch FROM {} WHERE round = {})")


async def checksum(
    postgres_url: str, valkey_urls: str | Mapping[int, str], secret: bytes, lane: Lane, apart: int | None = None
) -> LaneSum:
    """The sums of a lane; without the rows and streams of round `apart`, where one is named.

    Raises StoreUnknown, StoreRefused when the stores cannot be read.
    """
    conn = await connect(postgres_url, lane_role(lane), secret, timeout_s=TIMEOUT_S)
    async with conn, WinLogs(valkey_urls, timeout_s=TIMEOUT_S) as logs:
        with translated("read the ledger"):
            tables = await _tables(conn, lane, apart)
        streams = [each for store in logs for each in await _streams(store, lane, apart)]
    return LaneSum(lane=lane, tables=tables, streams=tuple(streams), checksum=_digest((*tables, *streams)))


async def _tables(conn: Connection, lane: Lane, apart: int | None) -> tuple[TableSum, ...]:
    """Each table of the schema, by name; a table that is added later is summed as well."""
    found: list[TableSum] = []
    async with conn.transaction():
        await conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        names = await (await conn.execute(statement("audit_tables", lane))).fetchall()
        told: dict[str, str] = {}
        if apart is not None:
            told = dict(await (await conn.execute(statement("audit_rounds_told", lane))).fetchall())
        for (name,) in names:
            rows = _ROWS.format(sql.Identifier(lane, name)) + _without(apart, lane, told.get(name))
            row = await (await conn.execute(rows)).fetchone()
            assert row is not None
            found.append(TableSum(name=f"{lane}.{name}", rows=int(row[0]), checksum=_short(f"{row[1]} {row[2]}")))
    return tuple(found)


def _without(apart: int | None, lane: Lane, tells: str | None) -> sql.Composable:
    """The condition that leaves a round's rows out. `tells`: the table's column that says of which round a row is."""
    if apart is None or tells is None:
        return sql.SQL("")
    number = sql.Literal(apart)
    if tells == "round":
        return _NOT_OF_ROUND.format(number)
    return _NOT_OF_BATCH.format(sql.Identifier(lane, "batch"), number)


async def _streams(store: WinLogStore, lane: Lane, apart: int | None) -> tuple[TableSum, ...]:
    """Each stream of the lane's win log by key, and each fence."""
    found: list[TableSum] = []
    for key in await _keys(store, f"win:*:{lane}:*", apart):
        if (other := await _other(store, key, "stream")) is not None:
            found.append(other)
            continue
        answer = await store.command("XINFO", "STREAM", key)
        info = answer if isinstance(answer, dict) else dict(zip(answer[::2], answer[1::2], strict=True))
        last, deleted = info[b"last-generated-id"].decode(), info[b"max-deleted-entry-id"].decode()
        found.append(TableSum(name=key, rows=int(info[b"length"]), checksum=f"last {last}, deleted to {deleted}"))
    for key in await _keys(store, f"fence:*:{lane}:*", apart):
        if (other := await _other(store, key, "string")) is not None:
            found.append(other)
            continue
        value = await store.command("GET", key)
        found.append(TableSum(name=key, rows=1, checksum=f"epoch {(value or b'none').decode()}"))
    return tuple(found)


async def _other(store: WinLogStore, key: str, expected: str) -> TableSum | None:
    """The sum of a key that somebody made something else of, by its bytes; None where it is of the expected type."""
    kind = (await store.command("TYPE", key)).decode()
    if kind == expected:
        return None
    digest = hashlib.sha256(await store.command("DUMP", key) or b"").hexdigest()[:16]
    return TableSum(name=key, rows=0, checksum=f"no {expected}: {kind} {digest}")


async def _keys(store: WinLogStore, pattern: str, apart: int | None) -> list[str]:
    cursor, keys = "0", set[str]()
    while True:
        next_cursor, page = await store.command("SCAN", cursor, "MATCH", pattern, "COUNT", SCAN_COUNT)
        keys |= {key.decode() for key in page}
        cursor = next_cursor.decode() if isinstance(next_cursor, bytes) else str(next_cursor)
        if cursor == "0":
            return sorted(key for key in keys if apart is None or key.split(":")[3:4] != [str(apart)])


def _digest(sums: Iterable[TableSum]) -> str:
    return _short("\n".join(f"{one.name} {one.rows} {one.checksum}" for one in sums))


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _lines(done: LaneSum) -> Iterator[str]:
    for one in (*done.tables, *done.streams):
        yield f"{one.name:<32} {one.rows:>12,}  {one.checksum}"
    yield f"{done.lane:<45}  {done.checksum}"


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m system.audit.checksum", description="Sums up a lane.", epilog="Example: --lane live --json"
    )
    parser.add_argument("--lane", choices=LANES, default="live")
    parser.add_argument("--apart", type=int, metavar="ROUND", help="without the rows and streams of this round")

    def look(settings: AuditSettings, args: argparse.Namespace) -> Coroutine[None, None, LaneSum]:
        return checksum(settings.postgres_url, settings.valkey_urls, settings.secret, args.lane, args.apart)

    return shown(parser, argv, look, _lines)


if __name__ == "__main__":
    sys.exit(main())
