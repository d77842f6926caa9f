"""Books and histories in memory, for the checkers' self-test: must pass, must fail, must be unknown."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from system.audit.books import LEASE, POSTING, Books, EntryLine, LedgerBatch, StreamBooks, StreamLog, Suspended
from system.contract.history import (
    NO_PACKET,
    OP_DTYPE,
    SEGMENT_HEADER,
    SEGMENT_MAGIC,
    SEGMENT_VERSION,
    Kind,
    Outcome,
)
from system.contract.ids import Position
from system.contract.records import WIN_DTYPE
from system.lottery import AmountCount, PacketHistogram, Round, award, commitment

START_US, END_US = 1_000_000, 2_000_000
ROUND = Round(1, (PacketHistogram(7, (AmountCount(100, 30), AmountCount(500, 10))),), bytes(32))


def fen(packet: int) -> int:
    """What the lottery says."""
    return award(ROUND, packet)[1]


def books(wins: dict[int, int], *, credited: int | None = None, closed: bool = True) -> Books:
    """Round 1: packet → user, logged in one entry each by front 0; the first `credited` of them posted."""
    packets = list(wins)
    posted = packets if credited is None else packets[:credited]
    records = np.zeros(len(packets), dtype=WIN_DTYPE)
    records["packet"], records["uid"] = packets, [wins[packet] for packet in packets]
    records["fen"], records["sponsor"], records["time_us"] = [fen(packet) for packet in packets], 7, START_US + 5
    postings = np.zeros(len(posted), dtype=POSTING)
    for name, column in (("uid", "uid"), ("packet", "packet"), ("fen", "fen"), ("award_us", "time_us")):
        postings[name] = records[column][: len(posted)]
    postings["sponsor"], postings["batch"] = 7, 2
    money = int(postings["fen"].sum())
    used = np.zeros(40, dtype=np.uint8)
    used[posted] = 1
    offset = Position(1, len(posted))
    log = StreamLog(
        "win:{0}:live:1:0", records, np.ones(len(packets), dtype=np.int64),
        np.arange(1, len(packets) + 1, dtype=np.int64), {1: len(packets)},
    )  # fmt: skip
    batches = [LedgerBatch(1, "fund", None, None, None, 0, 0)]
    legs = [EntryLine(1, "sponsor:7", -ROUND.budget_fen), EntryLine(1, "budget:1:7", ROUND.budget_fen)]
    if posted:
        batches.append(LedgerBatch(2, "credit", 0, Position(0, 0), offset, len(posted), money))
        legs.append(EntryLine(2, "budget:1:7", -money))
    if closed:
        batches.append(LedgerBatch(3, "refund", None, None, None, 0, 0))
        rest = ROUND.budget_fen - money
        legs += [EntryLine(3, "budget:1:7", -rest), EntryLine(3, "sponsor:7", rest)]
    return Books(
        "live", 1, "closed" if closed else "armed", 40, ROUND.budget_fen, START_US, END_US, 40, ROUND,
        commitment(ROUND), postings, [], {batch.batch: batch for batch in batches}, legs,
        [StreamBooks(0, 0, 1, 1, offset, None, log)], np.array([(0, 1, 1, 0, 40, False)], dtype=LEASE),
        [np.packbits(used, bitorder="little").tobytes()],
    )  # fmt: skip


def in_suspense(of: Books, packet: int, uid: int, held_fen: int) -> Books:
    """The same books, and a record of that packet and user in suspense, for which `held_fen` is held."""
    row = Suspended(
        2, 0, 1, 9, 0, packet, uid, fen(packet) + 1, 7, START_US + 5, held_fen, 7 if held_fen else 0, "wrong"
    )
    return replace(of, suspense=[*of.suspense, row])


def op(
    uid: int, outcome: Outcome, packet: int = NO_PACKET, *, at: int = 10, kind: Kind = Kind.TAP, http: int = 200,
    shown: int | None = None,
) -> npt.NDArray[np.void]:  # fmt: skip
    """One operation sent at `at`, done one nanosecond later."""
    row = np.zeros(1, dtype=OP_DTYPE)
    row["uid"], row["outcome"], row["packet"], row["kind"], row["http"] = uid, outcome, packet, kind, http
    row["sent_ns"], row["done_ns"], row["round"] = at, at + 1, 1
    if packet != NO_PACKET:
        row["fen"] = fen(packet) if shown is None else shown
    return row


def write_history(folder: Path, ops: npt.NDArray[np.void], samples: list[dict[str, int]] | None = None) -> None:
    """A history folder as the recorder writes it."""
    folder.mkdir(parents=True, exist_ok=True)
    data = SEGMENT_HEADER.pack(SEGMENT_MAGIC, SEGMENT_VERSION, 0, b"run", 1) + ops.tobytes()
    (folder / "seg-00-0000.bin").write_bytes(data)
    entry = {"file": "seg-00-0000.bin", "count": len(ops), "sha256": hashlib.sha256(data).hexdigest(), "worker": 0}
    (folder / "manifest.json").write_text(json.dumps({"version": 1, "segments": [entry]}))
    if samples is not None:
        (folder / "samples.jsonl").write_text("".join(json.dumps(sample) + "\n" for sample in samples))
