"""The proof of a batch against a plain model that goes through the records one by one."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from system.contract.ids import Position
from system.contract.records import WIN_DTYPE
from system.credit.reading import Chunk
from system.credit.rows import copy_rows, debits
from system.credit.verify import Lease, Packets, SuspenseReason, prepare, settle
from system.ledger.binary import ROW
from system.lottery import AmountCount, PacketHistogram, Round, award

ROUND = Round(1, (PacketHistogram(7, (AmountCount(100, 20),)), PacketHistogram(9, (AmountCount(300, 20),))), bytes(32))
LEASES = (Lease(1, 1, 4, 14, b"\x00\x00"), Lease(1, 2, 20, 29, b"\x02\x00"))
"""Packets 4 to 13 and 20 to 28; 21 is used, by user 3."""

records = st.lists(
    st.tuples(st.integers(0, 45), st.integers(0, 5), st.sampled_from([0, 0, 0, 1]), st.sampled_from([0, 0, 0, 1])),
    min_size=1,
    max_size=30,
)


def chunk_of(rows: list[tuple[int, int, int, int]]) -> Chunk:
    wins = np.zeros(len(rows), dtype=WIN_DTYPE)
    for win, (packet, uid, more, flag) in zip(wins, rows, strict=True):
        sponsor, fen = award(ROUND, packet) if packet < 40 else (7, 100)
        win["packet"], win["uid"], win["fen"], win["sponsor"], win["flags"] = packet, uid, fen + more, sponsor, flag
    order = np.arange(len(rows), dtype=np.int64)
    return Chunk(Position(0, 0), Position(1, len(rows)), wins, order * 0 + 1, order + 1, order * 0)


def model(rows: list[tuple[int, int, int, int]]) -> tuple[list[int], list[int], list[tuple[int, str, bool]], set[int]]:
    """(posted, duplicates, (suspended, reason, held), packets used) as the protocol's words have it."""
    holder = {21: 3}
    posted, duplicates, suspense = [], [], []
    for i, (packet, uid, more, flag) in enumerate(rows):
        inside = any(lease.lo <= packet < lease.hi for lease in LEASES)
        if packet >= 40:
            suspense.append((i, SuspenseReason.OUTSIDE.text, False))
        elif not inside:
            suspense.append((i, SuspenseReason.LEASE.text, False))
        elif packet in holder:
            if holder[packet] == uid:
                duplicates.append(i)
            else:
                suspense.append((i, SuspenseReason.USED.text, False))
        else:
            holder[packet] = uid
            if flag:
                suspense.append((i, SuspenseReason.LANE.text, True))
            elif more:
                suspense.append((i, SuspenseReason.AMOUNT.text, True))
            else:
                posted.append(i)
    return posted, duplicates, suspense, set(holder)


@settings(max_examples=300, deadline=None)
@given(records)
def test_the_vectorised_proof_decides_as_the_model_does(rows: list[tuple[int, int, int, int]]) -> None:
    prepared = prepare(chunk_of(rows), ROUND, "live")
    packets = Packets(prepared, LEASES)
    settled = settle(prepared, packets, {(21, 3)})
    posted, duplicates, suspense, used = model(rows)
    assert sorted(settled.posted.tolist()) == posted
    assert settled.duplicates.tolist() == duplicates
    found = zip(settled.suspense.tolist(), settled.reasons.tolist(), settled.held.tolist(), strict=True)
    assert [(i, SuspenseReason(reason).text, held) for i, reason, held in found] == suspense
    uids = prepared.chunk.records["uid"][settled.posted]
    assert (uids[1:] >= uids[:-1]).all()
    after = {lease.lo: lease for lease in LEASES} | {lease.lo: lease for lease in settled.bitmaps}
    bits = {
        lease.lo + int(bit)
        for lease in after.values()
        for bit in np.flatnonzero(np.unpackbits(np.frombuffer(lease.used, np.uint8), bitorder="little"))
    }
    assert bits == used


def test_without_any_lease_everything_is_suspended() -> None:
    prepared = prepare(chunk_of([(5, 1, 0, 0), (44, 1, 0, 0)]), ROUND, "live")
    settled = settle(prepared, Packets(prepared, ()), set())
    assert settled.reasons.tolist() == [SuspenseReason.LEASE, SuspenseReason.OUTSIDE]
    assert not settled.held.any()
    assert settled.bitmaps == []


def test_rows_and_debits() -> None:
    prepared = prepare(chunk_of([(5, 9, 0, 0), (6, 8, 0, 0), (7, 7, 0, 0)]), ROUND, "live")
    data = copy_rows(prepared, np.array([2, 0]), 1, 4, 77)
    rows = np.frombuffer(data[19:-2], dtype=ROW)
    assert data[:11] == b"PGCOPY\n\xff\r\n\x00"
    assert data[-2:] == b"\xff\xff"
    assert rows["uid"].tolist() == [7, 9]
    assert rows["packet"].tolist() == [7, 5]
    assert rows["batch"].tolist() == [77, 77]
    expected: dict[int, int] = {}
    for packet in (5, 6, 7):
        sponsor, fen = award(ROUND, packet)
        expected[sponsor] = expected.get(sponsor, 0) + fen
    assert debits(prepared, np.array([0, 1, 2])) == expected
    assert debits(prepared, np.array([], dtype=np.int64)) == {}
