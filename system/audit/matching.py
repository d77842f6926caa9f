"""Joins what was logged with what the ledger holds, one row for each distinct (packet, user). Pure, vectorised."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from system.audit.books import Books, Rows
from system.contract.records import WIN_DTYPE
from system.lottery import amounts

Ints = npt.NDArray[np.int64]
LOGGED = np.dtype([*WIN_DTYPE.descr[:5], ("front", "<i4"), ("epoch", "<i8"), ("seq", "<i8"), ("behind", "?")])
"""A log record with its place; `behind`: credit has not come to it yet."""
NONE = -1


@dataclass
class Match:
    """Distinct (packet, uid), sorted by packet, then user; all arrays have one row each.

    posted, settled, waiting, suspended: how many postings, log records credit has passed, log records it has not,
    suspense rows; held: how many of these have their packet's money, not given back. posting and record: the index of
    the first one, or NONE.
    """

    logged: Rows
    packet: Ints
    uid: npt.NDArray[np.uint64]
    posted: Ints
    settled: Ints
    waiting: Ints
    suspended: Ints
    held: Ints
    posting: Ints
    record: Ints


def logged_records(books: Books) -> Rows:
    """Every sound record of the round's streams."""
    parts = []
    for stream in books.streams:
        log = stream.log
        part = np.zeros(len(log.records), dtype=LOGGED)
        for name in ("packet", "fen", "uid", "time_us", "sponsor"):
            part[name] = log.records[name]
        part["front"], part["epoch"], part["seq"] = stream.front, log.epoch, log.seq
        epoch, seq = stream.offset
        part["behind"] = (log.epoch > epoch) | ((log.epoch == epoch) & (log.seq > seq))
        parts.append(part)
    return np.concatenate(parts) if parts else np.zeros(0, dtype=LOGGED)


def match(books: Books) -> Match:
    """Joins log, postings and suspense of a round."""
    logged = logged_records(books)
    if not books.closed and books.streams:
        # Read after the ledger's snapshot: a lease younger than the snapshot is not part of these books.
        logged = logged[~logged["behind"] | (logged["packet"] < books.next_packet)]
    held = books.suspense
    packet = np.concatenate(
        [books.postings["packet"], logged["packet"].astype(np.int64), np.array([s.packet for s in held], np.int64)]
    )
    uid = np.concatenate([books.postings["uid"], logged["uid"], np.array([s.uid for s in held], np.uint64)])
    posts, logs = len(books.postings), len(logged)
    source = np.zeros(len(packet), dtype=np.int8)
    source[posts : posts + logs] = 1 + logged["behind"]
    source[posts + logs :] = [3 + (s.held_fen > 0 and not s.given_back) for s in held]
    order = np.lexsort((uid, packet))
    packet, uid, source = packet[order], uid[order], source[order]
    if not len(order):
        empty = np.zeros(0, dtype=np.int64)
        return Match(logged, empty, uid, empty, empty, empty, empty, empty, empty, empty)
    first = np.flatnonzero(np.concatenate(([True], (packet[1:] != packet[:-1]) | (uid[1:] != uid[:-1]))))
    counts = [np.add.reduceat((source == code).astype(np.int64), first) for code in range(5)]
    return Match(
        logged, packet[first], uid[first], counts[0], counts[1], counts[2], counts[3] + counts[4], counts[4],
        _first_index(order, source == 0, first, 0), _first_index(order, (source == 1) | (source == 2), first, posts),
    )  # fmt: skip


def _first_index(order: Ints, chosen: npt.NDArray[np.bool_], first: Ints, base: int) -> Ints:
    """The lowest index of each group among the chosen rows, counted from `base`; NONE where there is none."""
    huge = np.iinfo(np.int64).max
    found = np.minimum.reduceat(np.where(chosen, order, huge), first)
    return np.where(found == huge, NONE, found - base)


def distinct(values: Ints) -> Ints:
    """Sorted, each once; quicker than numpy's own, which hashes first."""
    values = np.sort(values)
    keep = np.ones(len(values), dtype=np.bool_)
    keep[1:] = values[1:] != values[:-1]
    return values[keep]


def true_fen(books: Books, packet: Ints) -> tuple[Ints, Ints]:
    """(sponsor, fen) of each packet by the lottery; 0 where there is no such packet."""
    inside = (packet >= 0) & (packet < books.packets)
    sponsor, fen = amounts(books.lottery, np.where(inside, packet, 0))
    return np.where(inside, sponsor, 0).astype(np.int64), np.where(inside, fen, 0).astype(np.int64)
