"""One batch, one transaction: offset, money and bitmaps commit together. Source: docs/money.md, "Credit".

Owns the order of the steps. Refused are a closed round, an offset that moved, and an epoch that is not the one read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from system.contract.errors import StoreRefused
from system.contract.ids import Position, StreamName
from system.credit.rows import copy_rows, debits
from system.credit.verify import ChunkResult, Lease, Packets, Prepared, SuspenseReason, settle
from system.ledger.access import Connection
from system.ledger.statements import statement

Refusal = Literal["moved", "closed"]


@dataclass(frozen=True, slots=True)
class Posted:
    """The effect of a committed batch; of each posting `award_us`, for the delay, `uid`, for where users live, and
    `each_fen`, for who is told of it.
    """

    name: StreamName
    end: Position
    postings: int
    fen: int
    held_fen: int
    duplicates: int
    suspended: int
    award_us: np.ndarray[tuple[int, ...], np.dtype[np.uint64]]
    uid: np.ndarray[tuple[int, ...], np.dtype[np.uint64]]
    each_fen: np.ndarray[tuple[int, ...], np.dtype[np.uint32]]


@dataclass(frozen=True, slots=True)
class BatchParameters:
    """Parameters every statement of the batch shares."""

    name: StreamName
    granted: int

    def params(self, start: Position, end: Position | None = None) -> dict[str, int | None]:
        return {
            "round": self.name.round_id, "front": self.name.front, "granted": self.granted,
            "from_epoch": start.epoch, "from_seq": start.sequence,
            "to_epoch": end.epoch if end else None, "to_seq": end.sequence if end else None,
        }  # fmt: skip


class BatchRefused(Exception):
    """The transaction must not go on: rolls it back. Not an error of the system; the worker reads again."""

    def __init__(self, why: Refusal) -> None:
        super().__init__(why)
        self.why = why


async def post(conn: Connection, step: BatchParameters, prepared: Prepared) -> Posted:
    """Runs the steps of one batch inside the caller's transaction. Raises BatchRefused, and the driver's errors."""
    lane, chunk = step.name.lane, prepared.chunk
    params = step.params(chunk.start, chunk.end)
    moved = await conn.execute(statement("credit_advance", lane), params)
    if moved.rowcount != 1:
        raise BatchRefused("moved")
    state = await (await conn.execute(statement("credit_round", lane), params)).fetchone()
    if state is None or state[0] == "closed":
        raise BatchRefused("closed")
    packets = Packets(prepared, await _leases(conn, step, prepared))
    settled = settle(prepared, packets, await _holders(conn, step, prepared, packets))
    held = settled.suspense[settled.held]
    each_fen = prepared.fen[settled.posted]
    fen = int(each_fen.sum(dtype=np.int64))
    row = await conn.execute(
        statement("batch_insert", lane), params | {"kind": "credit", "postings": len(settled.posted), "fen": fen}
    )
    batch = (await row.fetchall())[0][0]
    await _bitmaps(conn, step, settled.bitmaps)
    if len(settled.posted):
        async with conn.cursor() as cursor, cursor.copy(statement("credit_copy", lane)) as copy:
            await copy.write(copy_rows(prepared, settled.posted, step.name.round_id, step.name.front, batch))
    legs = debits(prepared, np.concatenate((settled.posted, held)))
    async with conn.cursor() as cursor:
        await cursor.executemany(
            statement("entry_insert", lane),
            [
                {"batch": batch, "account": f"budget:{step.name.round_id}:{sponsor}", "fen": -debit}
                for sponsor, debit in legs.items()
            ],
        )
    await _doubtful(conn, step, prepared, settled, batch)
    return Posted(
        step.name, chunk.end, len(settled.posted), fen, int(prepared.fen[held].sum(dtype=np.int64)),
        len(settled.duplicates), len(settled.suspense), chunk.records["time_us"][settled.posted],
        chunk.records["uid"][settled.posted], each_fen,
    )  # fmt: skip


async def stop(conn: Connection, step: BatchParameters, at: Position, reason: str) -> bool:
    """Stops the stream at `at`, for a person to look at; False if it moved or got a new epoch meanwhile."""
    done = await conn.execute(statement("credit_stop", step.name.lane), step.params(at) | {"reason": reason})
    return done.rowcount == 1


async def _leases(conn: Connection, step: BatchParameters, prepared: Prepared) -> list[Lease]:
    packet = prepared.chunk.records["packet"]
    params = {
        "round": step.name.round_id, "front": step.name.front, "first": int(packet.min()), "last": int(packet.max()),
    }  # fmt: skip
    rows = await (await conn.execute(statement("credit_leases", step.name.lane), params, binary=True)).fetchall()
    return [Lease(*row) for row in rows]


async def _holders(
    conn: Connection, step: BatchParameters, prepared: Prepared, packets: Packets
) -> set[tuple[int, int]]:
    again = packets.met_again
    if not len(again):
        return set()
    met = prepared.chunk.records[again]
    params = {
        "round": step.name.round_id, "packets": met["packet"].tolist(), "uids": met["uid"].view(np.int64).tolist(),
    }  # fmt: skip
    rows = await (await conn.execute(statement("credit_holders", step.name.lane), params)).fetchall()
    return {(packet, uid % (1 << 64)) for packet, uid in rows}


async def _bitmaps(conn: Connection, step: BatchParameters, changed: list[Lease]) -> None:
    if not changed:
        return
    done = await conn.execute(
        statement("credit_bitmaps", step.name.lane),
        {
            "round": step.name.round_id, "front": step.name.front,
            "epochs": [lease.epoch for lease in changed], "numbers": [lease.number for lease in changed],
            "bitmaps": [lease.used for lease in changed],
        },
    )  # fmt: skip
    if done.rowcount != len(changed):
        raise StoreRefused(f"{done.rowcount} bitmaps changed; expected {len(changed)}")


async def _doubtful(
    conn: Connection, step: BatchParameters, prepared: Prepared, settled: ChunkResult, batch: int
) -> None:
    """Rows of what was not posted: suspense with its reason, repeats."""
    chunk, (lane, round_id, front) = prepared.chunk, step.name
    suspense = [
        (
            batch, round_id, front, int(chunk.epoch[i]), int(chunk.seq[i]), int(chunk.place[i]),
            int(chunk.records["packet"][i]), _signed(int(chunk.records["uid"][i])), int(chunk.records["fen"][i]),
            int(chunk.records["sponsor"][i]), _signed(int(chunk.records["time_us"][i])),
            int(prepared.fen[i]) if held else 0, int(prepared.sponsor[i]) if held else 0, SuspenseReason(reason).text,
        )
        for i, reason, held in zip(
            settled.suspense.tolist(), settled.reasons.tolist(), settled.held.tolist(), strict=True
        )
    ]  # fmt: skip
    repeats = [
        (batch, round_id, front, int(chunk.records["packet"][i]), _signed(int(chunk.records["uid"][i])))
        for i in settled.duplicates.tolist()
    ]
    async with conn.cursor() as cursor:
        if suspense:
            await cursor.executemany(statement("credit_suspense", lane), suspense)
        if repeats:
            await cursor.executemany(statement("credit_duplicate", lane), repeats)


def _signed(value: int) -> int:
    """PostgreSQL has no unsigned 64-bit type: numbers above keep their bits, and look negative."""
    return value - (1 << 64) if value >= 1 << 63 else value
