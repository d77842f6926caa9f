"""Loads the books from PostgreSQL and Valkey. Owns the order: the snapshot of the ledger, then the streams."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from system.audit.books import LEASE, POSTING, Books, EntryLine, LedgerBatch, Rows, StreamBooks, StreamLog, Suspended
from system.audit.snapshot import Snapshot, SnapshotRows, TableMissing
from system.contract.api import SponsorSplit
from system.contract.errors import StoreRefused, UnknownRound
from system.contract.ids import START, Lane, Position
from system.contract.records import WIN_DTYPE
from system.ledger.access import Connection
from system.ledger.statements import statement
from system.lottery import make_round
from system.winlog import DamagedEntry, WinLogs, WinLogStore, decode

PAGE_ENTRIES = 512
_PACKED = np.dtype([(name, POSTING[name].str.replace("<", ">")) for name in POSTING.names or ()])
"""A row of audit_postings."""


async def load(
    seen: Snapshot, logs: WinLogs, rounds: Sequence[int] = (), *, strict: bool = True
) -> AsyncIterator[Books]:
    """The books of each round of the lane, or of `rounds` alone, one after the other; all from one snapshot.

    Raises UnknownRound when a round asked for does not exist and all must (`strict`), StoreUnknown when a store does
    not answer.
    """
    found = await seen.rows("audit_rounds")
    missing = set(rounds) - {row[0] for row in found}
    if missing and strict:
        raise UnknownRound(f"lane {seen.lane} has no round {', '.join(map(str, sorted(missing)))}")
    for row in found:
        if not rounds or row[0] in rounds:
            yield await _books(seen, logs, row)


async def unbalanced(rows: SnapshotRows, rounds: Sequence[int]) -> list[tuple[int, int | None, int]]:
    """(batch, its round, fen over) of every batch of other rounds whose legs do not add up."""
    return [(batch, number, fen) for batch, number, fen in await rows("audit_imbalance", rounds=list(rounds))]


async def _given_back(seen: Snapshot, round_id: int) -> frozenset[int]:
    """Packets whose held money went back to the sponsor; none in a ledger from before there were transfers."""
    with suppress(TableMissing):
        return frozenset(packet for (packet,) in await seen.rows("audit_given_back", round=round_id))
    return frozenset()


async def _books(seen: Snapshot, logs: WinLogs, row: tuple[Any, ...]) -> Books:
    conn, lane = seen.conn, seen.lane
    round_id, state, packets, budget_fen, start_us, end_us, next_packet, sponsors, seed, commitment = row
    key = {"round": round_id}

    async def rows(name: str) -> list[tuple[Any, ...]]:
        return await (await conn.execute(statement(name, lane), key)).fetchall()

    leases, back = await rows("audit_leases"), await _given_back(seen, round_id)
    held = [Suspended(*item)._replace(uid=item[6] % (1 << 64)) for item in await rows("audit_suspense")]
    return Books(
        lane, round_id, state, packets, budget_fen, start_us, end_us, next_packet,
        make_round(round_id, [SponsorSplit.model_validate(item, strict=False) for item in sponsors], bytes(seed)),
        commitment, await _postings(conn, lane, round_id),
        [one._replace(given_back=one.held_fen > 0 and one.packet in back) for one in held],
        {item[0]: _batch(item) for item in await rows("audit_batches")},
        [EntryLine(*item) for item in await rows("audit_entries")],
        [await _stream(logs, lane, round_id, item) for item in await rows("audit_streams")],
        np.array([item[:6] for item in leases], dtype=LEASE), [bytes(item[6]) for item in leases],
        {int(item["sponsor"]): str(item["name"]) for item in sponsors},
    )  # fmt: skip


async def _postings(conn: Connection, lane: Lane, round_id: int) -> Rows:
    found = await conn.execute(statement("audit_postings", lane), {"round": round_id}, binary=True)
    packed = np.frombuffer(b"".join([row[0] for row in await found.fetchall()]), dtype=_PACKED)
    postings = np.zeros(len(packed), dtype=POSTING)
    for name in POSTING.names or ():
        postings[name] = packed[name]
    return postings


def _batch(row: tuple[Any, ...]) -> LedgerBatch:
    batch, kind, front, from_epoch, from_seq, to_epoch, to_seq, postings, fen, committed_us = row
    start = None if from_epoch is None else Position(from_epoch, from_seq)
    end = None if to_epoch is None else Position(to_epoch, to_seq)
    return LedgerBatch(batch, kind, front, start, end, postings, fen, committed_us)


async def _stream(logs: WinLogs, lane: Lane, round_id: int, row: tuple[Any, ...]) -> StreamBooks:
    front, cell, epoch, granted, offset_epoch, offset_seq, stopped, _, _ = row
    log = await _log(logs.of(cell), cell, lane, round_id, front)
    return StreamBooks(front, cell, epoch, granted, Position(offset_epoch, offset_seq), stopped, log)


async def _log(store: WinLogStore, cell: int, lane: Lane, round_id: int, front: int) -> StreamLog:
    """The whole stream, sound or not."""
    stream = store.stream(cell, lane, round_id, front)
    log = StreamLog(stream.key, deleted=await _deleted(store, stream.key))
    parts: list[Rows] = []
    places: list[tuple[int, int, int]] = []
    at = START
    while page := await stream.read_after(at, PAGE_ENTRIES):
        for stored in page:
            _note_hole(log, at, stored.at)
            at = stored.at
            log.last[at.epoch] = at.sequence
            try:
                entry = decode(stored.entry, at)
            except DamagedEntry as exc:
                log.faults.append((at, str(exc)))
                continue
            if (entry.header.lane, entry.header.round_id, entry.header.front) != (lane, round_id, front):
                log.faults.append((at, f"entry {at} belongs to another stream"))
                continue
            parts.append(entry.records)
            places.append((at.epoch, at.sequence, len(entry.records)))
    if parts:
        log.records = np.concatenate(parts)
        sizes = [size for _, _, size in places]
        log.epoch = np.repeat(np.array([epoch for epoch, _, _ in places], dtype=np.int64), sizes)
        log.seq = np.repeat(np.array([seq for _, seq, _ in places], dtype=np.int64), sizes)
    assert log.records.dtype == WIN_DTYPE
    return log


def _note_hole(log: StreamLog, before: Position, at: Position) -> None:
    """Entries between two neighbours of the stream; an older epoch may end anywhere, a newer one starts at 1."""
    expected = before.sequence + 1 if before.epoch == at.epoch else 1
    if at.sequence > expected:
        log.holes.append((Position(at.epoch, expected), Position(at.epoch, at.sequence - 1)))


async def _deleted(store: WinLogStore, key: str) -> Position:
    try:
        answer = await store.command("XINFO", "STREAM", key)
    except StoreRefused as exc:
        if "no such key" in str(exc):
            return START
        raise
    known = answer if isinstance(answer, dict) else dict(zip(answer[::2], answer[1::2], strict=True))
    return Position.parse(known[b"max-deleted-entry-id"].decode())
