"""S3, S5, S7, S8, S12: each award once, to one user, of the right amount, in time, from its own lease. Pure."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from system.audit.books import Books, StreamBooks
from system.audit.judging import Judge
from system.audit.matching import NONE, Match, true_fen
from system.contract.ids import Position
from system.lottery import verify_commitment

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


def believed(matched: Match) -> Bools:
    """Pairs that are awards: posted, or logged and not in suspense."""
    chosen: Bools = (matched.posted > 0) | (matched.suspended == 0)
    return chosen


def one_user_one_packet(judge: Judge, books: Books, matched: Match) -> None:
    """S3, by log and ledger together."""
    chosen = believed(matched)
    packet, uid = matched.packet[chosen], matched.uid[chosen]
    judge.look(len(packet))
    again = np.flatnonzero(packet[1:] == packet[:-1])
    if len(again):
        at = int(again[0])
        judge.broken(f"packet {books.round_id}-{packet[at]} has users {uid[at]} and {uid[at + 1]}", len(again))
    order = np.argsort(uid, kind="stable")
    twice = np.flatnonzero(uid[order][1:] == uid[order][:-1])
    if len(twice):
        one, two = order[int(twice[0])], order[int(twice[0]) + 1]
        judge.broken(f"user {uid[one]} has awards {books.round_id}-{packet[one]} and {books.round_id}-{packet[two]}",
                     len(twice))  # fmt: skip


def posted_once(judge: Judge, books: Books, matched: Match) -> None:
    """S5: every award posted exactly once; no posting without a log record; the log itself whole."""
    due = (matched.settled > 0) | ((matched.waiting > 0) & books.closed)
    due &= matched.suspended == 0
    judge.look(int((due | (matched.posted > 0)).sum()))
    _, fen = true_fen(books, matched.packet)
    twice = np.flatnonzero(matched.posted > 1)
    if len(twice):
        at = int(twice[0])
        judge.broken(f"{_name(books, matched, at)}: posted {matched.posted[at]} times", len(twice),
                     int((fen[twice] * (matched.posted[twice] - 1)).sum()))  # fmt: skip
    unposted = np.flatnonzero(due & (matched.posted == 0))
    if len(unposted):
        at = int(unposted[0])
        record = matched.logged[matched.record[at]]
        judge.broken(f"{_name(books, matched, at)}, {fen[at]} fen: logged in entry {record['epoch']}-{record['seq']} "
                     f"of front {record['front']}, not posted", len(unposted), int(fen[unposted].sum()))  # fmt: skip
    unlogged = np.flatnonzero((matched.posted > 0) & (matched.settled + matched.waiting == 0))
    _unlogged(judge, books, matched, unlogged)
    for stream in books.streams:
        _whole(judge, books, stream)


def _unlogged(judge: Judge, books: Books, matched: Match, unlogged: Ints) -> None:
    """Postings without a record: a loss that the protocol allows is counted, any other is named."""
    if not len(unlogged):
        return
    rows = books.postings[matched.posting[unlogged]]
    streams = {stream.front: stream for stream in books.streams}
    lost: dict[int, bool] = {}
    for batch, front in sorted({(int(b), int(f)) for b, f in zip(rows["batch"], rows["front"], strict=True)}):
        lost[batch] = batch in books.batches and front in streams and _may_be_lost(streams[front], books, batch)
    excused = np.array([lost[int(batch)] for batch in rows["batch"]])
    judge.figure(posted_whose_log_a_store_lost=int(excused.sum()))
    wrong = np.flatnonzero(~excused)
    if len(wrong):
        row = rows[wrong[0]]
        where = _missing_entry(streams.get(int(row["front"])), books, int(row["batch"]))
        judge.broken(f"{books.name(row['packet'], row['uid'])}, {row['fen']} fen: posted, not in the win log{where}",
                     len(wrong), int(rows["fen"][wrong].sum()))  # fmt: skip


def _may_be_lost(stream: StreamBooks, books: Books, batch: int) -> bool:
    """Whether the entries a batch came from reach into the lost end of an epoch that a newer one has replaced."""
    start, end = books.batches[batch].start, books.batches[batch].end
    if start is None or end is None:
        return False
    for epoch in range(max(1, start.epoch), min(end.epoch, stream.granted - 1) + 1):
        first = start.sequence + 1 if epoch == start.epoch else 1
        last_there = stream.log.last.get(epoch, 0)
        if max(first, last_there + 1) <= (end.sequence if epoch == end.epoch else 1 << 62):
            return True
    return False


def _missing_entry(stream: StreamBooks | None, books: Books, batch: int) -> str:
    """The hole of the log the batch reaches into, in words."""
    known = books.batches.get(batch)
    if stream is None or known is None or known.start is None or known.end is None:
        return ""
    for first, last in stream.log.holes:
        if first <= known.end and last > known.start:
            return f": entry {max(first, _next(known.start))} is missing in {stream.log.key}"
    end = Position(known.end.epoch, stream.log.last.get(known.end.epoch, 0))
    return f": {stream.log.key} ends at {end}" if end < known.end else ""


def _next(position: Position) -> Position:
    return Position(position.epoch, position.sequence + 1)


def _whole(judge: Judge, books: Books, stream: StreamBooks) -> None:
    """Holes and damage, unless an operator set that entry aside."""
    aside = {batch.end for batch in books.batches.values() if batch.kind == "set_aside" and batch.front == stream.front}
    for first, last in stream.log.holes:
        if first != last or first not in aside:
            more = f" to {last}" if first != last else ""
            judge.broken(f"entry {first}{more} is missing in {stream.log.key}", last.sequence - first.sequence + 1)
    for at, what in stream.log.faults:
        if at not in aside:
            judge.broken(f"{stream.log.key}: {what}")
    deleted = stream.log.deleted
    if deleted > Position(0, 0) and not any(first <= deleted <= last for first, last in stream.log.holes):
        judge.broken(f"entry {deleted} was deleted from {stream.log.key}")


def right_amount(judge: Judge, books: Books, matched: Match) -> None:
    """S7, postings and log records against the lottery, and the lottery against what was published before the start."""
    postings = books.postings
    judge.look(1)
    if not verify_commitment(books.lottery, books.commitment):
        judge.broken(f"round {books.round_id}: seed and histogram are not those of the commitment {books.commitment}")
    sponsor, fen = true_fen(books, postings["packet"])
    judge.look(len(postings))
    wrong = np.flatnonzero((postings["fen"] != fen) | (postings["sponsor"] != sponsor))
    if len(wrong):
        at = int(wrong[0])
        row = postings[at]
        whose = "" if row["sponsor"] == sponsor[at] else f", from sponsor {row['sponsor']} instead of {sponsor[at]}"
        judge.broken(
            f"posting of {books.name(row['packet'], row['uid'])}: {row['fen']} fen posted, "
            f"{fen[at]} by the lottery{whose}",
            len(wrong),
            int(np.abs(postings["fen"] - fen)[wrong].sum()),
        )
    records = matched.logged[matched.record[believed(matched) & (matched.record != NONE)]]
    sponsor, fen = true_fen(books, records["packet"].astype(np.int64))
    judge.look(len(records))
    wrong = np.flatnonzero((records["fen"] != fen) | (records["sponsor"] != sponsor))
    if len(wrong):
        row, due = records[wrong[0]], fen[wrong[0]]
        place = f"in entry {row['epoch']}-{row['seq']} of front {row['front']}"
        judge.broken(f"record of {books.name(row['packet'], row['uid'])} {place}: {row['fen']} fen logged, {due} "
                     "by the lottery", len(wrong))  # fmt: skip


def in_time(judge: Judge, books: Books, matched: Match) -> None:
    """S8: start ≤ time < end, by control's clock."""
    records = matched.logged[matched.record[believed(matched) & (matched.record != NONE)]]
    for rows, column, what in ((books.postings, "award_us", "posting"), (records, "time_us", "record")):
        time_us = rows[column].astype(np.int64)
        judge.look(len(rows))
        wrong = np.flatnonzero((time_us < books.start_us) | (time_us >= books.end_us))
        if len(wrong):
            row, at = rows[wrong[0]], int(time_us[wrong[0]])
            off = f"{books.start_us - at} µs before the start" if at < books.start_us else (
                f"{at - books.end_us} µs after the end")  # fmt: skip
            judge.broken(f"{what} of {books.name(row['packet'], row['uid'])}: {off}", len(wrong))


def issued_once(judge: Judge, books: Books, matched: Match) -> None:
    """S12: leases are disjoint; each award comes from a lease of its front, of its epoch or an older one."""
    leases = books.leases
    lo, hi = leases["lo"], leases["hi"]
    judge.look(int((hi - lo).sum()))
    overlap = np.flatnonzero(lo[1:] < np.maximum.accumulate(hi)[:-1]) if len(leases) else np.zeros(0, np.int64)
    if len(overlap):
        at = int(overlap[0]) + 1
        judge.broken(f"round {books.round_id}: packets {lo[at]} to {hi[at] - 1} of lease {_lease(leases[at])} "
                     "were leased before", len(overlap))  # fmt: skip
    if len(leases) and int(hi.max()) > books.next_packet:
        at = int(np.argmax(hi))
        judge.broken(f"round {books.round_id}: lease {_lease(leases[at])} ends at {hi[at]}, "
                     f"but only {books.next_packet} packets were leased")  # fmt: skip
    granted = {stream.front: stream.epoch for stream in books.streams}
    for lease in leases[~leases["abandoned"]]:
        if lease["epoch"] < granted.get(int(lease["front"]), 0):
            judge.broken(f"round {books.round_id}: lease {_lease(lease)} was not abandoned with its epoch")
    _from_own_lease(judge, books, matched)
    awarded = np.flatnonzero(believed(matched) & (matched.record != NONE))
    again = np.flatnonzero(matched.packet[awarded][1:] == matched.packet[awarded][:-1])
    if len(again):
        one, two = (matched.logged[matched.record[awarded[at]]] for at in (again[0], again[0] + 1))
        places = " and again in ".join(f"{row['epoch']}-{row['seq']} of front {row['front']}" for row in (one, two))
        judge.broken(f"packet {books.round_id}-{one['packet']} was awarded in entry {places}", len(again))


def _from_own_lease(judge: Judge, books: Books, matched: Match) -> None:
    leases = books.leases
    records = matched.logged[matched.record[believed(matched) & (matched.record != NONE)]]
    for rows, what in ((books.postings, "posting"), (records, "record")):
        judge.look(len(rows))
        if not len(rows):
            continue
        packet = rows["packet"].astype(np.int64)
        if len(leases):
            at = np.maximum(np.searchsorted(leases["lo"], packet, side="right") - 1, 0)
            mine = leases[at]
            right = (packet >= mine["lo"]) & (packet < mine["hi"]) & (mine["front"] == rows["front"])
            if what == "record":
                right &= mine["epoch"] <= rows["epoch"]
        else:
            right = np.zeros(len(rows), dtype=np.bool_)
        wrong = np.flatnonzero(~right)
        if len(wrong):
            row = rows[wrong[0]]
            judge.broken(f"{what} of {books.name(row['packet'], row['uid'])}: front {row['front']} was never granted "
                         "that packet", len(wrong))  # fmt: skip


def _lease(lease: np.void) -> str:
    return f"{lease['epoch']}/{lease['number']} of front {lease['front']}"


def _name(books: Books, matched: Match, at: int) -> str:
    return books.name(int(matched.packet[at]), int(matched.uid[at]))
