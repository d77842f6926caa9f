"""S1: every fen of a round's budget is in exactly one place. Pure; by postings, legs, bitmaps and the lottery."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from system.audit.books import Books
from system.audit.judging import Judge
from system.audit.matching import Match, distinct, true_fen

CHUNK = 1 << 20
Money = dict[int, int]
"""Fen by sponsor."""


def judge(judge: Judge, books: Books, matched: Match) -> None:
    """Batches balance, accounts agree with rows, bits agree with money, and the sum per sponsor is the budget.

    The residue is the largest difference of these checks, since one forged fen shows in several of them.
    """
    off_batches = _batches(judge, books)
    credited = _by_sponsor(books.postings["sponsor"], books.postings["fen"])
    suspense: Money = defaultdict(int)
    for row in books.suspense:
        suspense[row.held_sponsor] += row.held_fen
    refunded, off_accounts = _accounts(judge, books, credited, suspense)
    used, off_bits = _bits(judge, books, matched)
    unused: Money = {}
    waiting: Money = {}
    if not books.closed:
        unused, waiting = _open_money(books, matched, used)
    places = {
        "unused": unused, "awarded_not_credited": waiting, "credited": credited, "suspense": suspense,
        "refunded": refunded,
    }  # fmt: skip
    off_sponsors = _sums(judge, books, places)
    judge.residue_fen += max(off_batches, off_accounts, off_bits, off_sponsors)


def rest_of_lane(judge: Judge, lane: str, unbalanced: Sequence[tuple[int, int | None, int]]) -> None:
    """The lane's other rounds: a run on a lane that does not balance proves nothing by its own round."""
    judge.look(1)
    for batch, round_id, fen in unbalanced:
        whose = "of no round" if round_id is None else f"of round {round_id}"
        judge.broken(f"lane {lane}: batch {batch} {whose} does not balance: {fen} fen over", 1, fen)


def _sums(judge: Judge, books: Books, places: dict[str, Money]) -> int:
    """budget = Σ places, for each sponsor; the fen that are off."""
    off = 0
    for histogram in books.lottery.histograms:
        judge.look(1)
        sponsor, budget = histogram.sponsor, histogram.budget_fen
        parts = {name: money.get(sponsor, 0) for name, money in places.items()}
        rest = budget - sum(parts.values())
        judge.figure(budget=budget, **parts, residue=rest)
        if rest:
            where = ", ".join(f"{name.replace('_', ' ')} {fen}" for name, fen in parts.items())
            judge.broken(f"round {books.round_id}, sponsor {sponsor}: budget {budget} fen, but {where}: {rest} fen off")
            off += abs(rest)
    strangers = set().union(*places.values()) - {histogram.sponsor for histogram in books.lottery.histograms}
    for sponsor in sorted(strangers):
        fen = sum(money.get(sponsor, 0) for money in places.values())
        if fen:
            judge.broken(f"round {books.round_id}: {fen} fen of sponsor {sponsor}, who is not in it")
            off += abs(fen)
    return off


def _by_sponsor(sponsor: npt.NDArray[np.integer], fen: npt.NDArray[np.integer]) -> Money:
    names, place = np.unique(sponsor, return_inverse=True)
    sums = np.zeros(len(names), dtype=np.int64)
    np.add.at(sums, place, fen)
    return {int(name): int(total) for name, total in zip(names, sums, strict=True)}


def _batches(judge: Judge, books: Books) -> int:
    """Each batch: postings + held + legs = 0, and as many postings of as many fen as it says; the fen off."""
    off = 0
    total: dict[int, int] = defaultdict(int)
    numbers, place = np.unique(books.postings["batch"], return_inverse=True)
    fen = np.zeros(len(numbers), dtype=np.int64)
    np.add.at(fen, place, books.postings["fen"])
    count = np.bincount(place, minlength=len(numbers)) if len(numbers) else fen
    posted = {int(b): (int(n), int(f)) for b, n, f in zip(numbers, count, fen, strict=True)}
    for number, (_, money) in posted.items():
        total[number] += money
    for row in books.suspense:
        total[row.batch] += row.held_fen
    for leg in books.legs:
        total[leg.batch] += leg.fen
    for number in sorted(total.keys() | books.batches.keys()):
        judge.look(1)
        batch, residue = books.batches.get(number), total[number]
        off += abs(residue)
        if batch is None:
            judge.broken(f"batch {number} is not one of round {books.round_id}, but its rows are")
            continue
        if residue:
            judge.broken(f"{batch.kind} batch {number} of round {books.round_id} does not balance: {residue} fen over")
        if batch.kind == "credit" and (batch.postings, batch.fen) != posted.get(number, (0, 0)):
            rows, money = posted.get(number, (0, 0))
            judge.broken(
                f"batch {number} of round {books.round_id} was {batch.postings} postings of {batch.fen} fen, "
                f"now {rows} of {money} fen"
            )
    return off


def _accounts(judge: Judge, books: Books, credited: Money, suspense: Money) -> tuple[Money, int]:
    """What was refunded to each sponsor, and the fen by which the legs and the rows disagree."""
    paid_in: Money = defaultdict(int)
    paid_out: Money = defaultdict(int)
    refunded: Money = defaultdict(int)
    moved: dict[tuple[int, str], int] = defaultdict(int)
    for leg in books.legs:
        kind, *names = leg.account.split(":")
        batch = books.batches.get(leg.batch)
        of_round = batch.kind if batch is not None else ""
        if kind == "budget" and len(names) == 2 and names[0] == str(books.round_id) and of_round:
            sponsor = int(names[1])
            if of_round in ("fund", "refund"):
                moved[leg.batch, names[1]] += leg.fen
            if of_round == "fund":
                paid_in[sponsor] += leg.fen
            elif of_round == "refund":
                refunded[sponsor] -= leg.fen
            else:
                paid_out[sponsor] -= leg.fen
        elif kind == "sponsor" and len(names) == 1 and of_round in ("fund", "refund"):
            moved[leg.batch, names[0]] += leg.fen
        else:
            judge.broken(f"batch {leg.batch}: {leg.fen} fen on {leg.account}, which is no place for it")
    off = 0
    for (number, name), fen in moved.items():
        if fen:
            judge.broken(f"batch {number}: {fen} fen of sponsor {name} came from, or went to, somebody else")
            off += abs(fen)
    for histogram in books.lottery.histograms:
        account = f"budget:{books.round_id}:{histogram.sponsor}"
        funded, due = paid_in[histogram.sponsor], histogram.budget_fen
        if funded != due:
            judge.broken(f"{account} was funded with {funded} fen; its packets are worth {due}")
        rows = credited.get(histogram.sponsor, 0) + suspense.get(histogram.sponsor, 0)
        legs = paid_out[histogram.sponsor]
        if legs != rows:
            judge.broken(f"{account} was debited {legs} fen; postings and suspense are {rows}")
        off += abs(funded - due) + abs(legs - rows)
    return refunded, off


def used_packets(books: Books) -> npt.NDArray[np.int64]:
    """Every packet whose bit is set, ascending within a lease."""
    parts = []
    for lease, used in zip(books.leases, books.used, strict=True):
        bits = np.unpackbits(np.frombuffer(used, dtype=np.uint8), bitorder="little")
        parts.append(int(lease["lo"]) + np.flatnonzero(bits))
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)


def _bits(judge: Judge, books: Books, matched: Match) -> tuple[npt.NDArray[np.int64], int]:
    """A bit is set exactly where money was posted or held: (packets whose bit is set, fen off)."""
    off = 0
    used = distinct(used_packets(books))
    held = np.array([row.packet for row in books.suspense if row.held_fen], dtype=np.int64)
    money = distinct(np.concatenate([matched.packet[matched.posted > 0], held]))
    judge.look(len(money))
    for packets, what in (
        (np.setdiff1d(money, used, assume_unique=True), "was posted or held, but its bit is not set"),
        (np.setdiff1d(used, money, assume_unique=True), "has its bit set, but was neither posted nor held"),
    ):
        if len(packets):
            _, fen = true_fen(books, packets)
            whose = _whose(matched, int(packets[0]))
            judge.broken(f"packet {books.round_id}-{packets[0]}{whose} {what}", len(packets))
            off += int(fen.sum())
    return used, off


def _whose(matched: Match, packet: int) -> str:
    at = int(np.searchsorted(matched.packet, packet))
    return f" of user {matched.uid[at]}" if at < len(matched.packet) and matched.packet[at] == packet else ""


def _open_money(books: Books, matched: Match, used: npt.NDArray[np.int64]) -> tuple[Money, Money]:
    """Of a round not closed: (unleased or leased and unused, awarded but not yet credited), by sponsor."""
    free = np.ones(books.packets, dtype=np.bool_)
    free[used[(used >= 0) & (used < books.packets)]] = False
    waits = (matched.waiting > 0) & (matched.posted == 0) & (matched.suspended == 0) & (matched.packet < books.packets)
    packets = distinct(matched.packet[waits])
    packets = packets[free[packets]]
    free[packets] = False
    unused: Money = defaultdict(int)
    for start in range(0, books.packets, CHUNK):
        part = np.flatnonzero(free[start : start + CHUNK]) + start
        for sponsor, fen in _by_sponsor(*true_fen(books, part)).items():
            unused[sponsor] += fen
    return unused, _by_sponsor(*true_fen(books, packets))
