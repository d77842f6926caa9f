"""A round's books as the report shows them: money by place and sponsor, wins, the delay to the balance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from system.audit import wins
from system.audit.books import Books, EntryLine
from system.audit.matching import Match, true_fen
from system.contract.audit import DelayFigures, RoundBooks, SponsorMoney

BEYOND = 10
"""A percentile is shown only with so many samples beyond it."""


Windows = Sequence[tuple[int, int]]
"""Declared faults, from and to in microseconds of control's clock."""


def shown(books: Books, matched: Match, residue: int, faults_us: Windows = ()) -> RoundBooks:
    """The figures of one round; `residue` is S1's."""
    awarded = wins.believed(matched)
    _, fen = true_fen(books, matched.packet[awarded])
    sponsors = _sponsors(books)
    return RoundBooks(
        round=books.round_id, lane=books.lane, state=books.state, budget_fen=books.budget_fen,
        awarded_fen=int(fen.sum()), credited_fen=int(books.postings["fen"].sum()),
        suspense_fen=sum(row.held_fen for row in books.suspense),
        refunded_fen=sum(sponsor.refunded_fen for sponsor in sponsors), residue_fen=residue,
        wins_logged=int((awarded & (matched.settled + matched.waiting > 0)).sum()),
        wins_posted=len(books.postings), wins_suspended=len(books.suspense),
        sponsors=sponsors, delay_s=_delay(books, faults_us, inside=False),
        delay_in_faults_s=_delay(books, faults_us, inside=True) if faults_us else None,
    )  # fmt: skip


def _sponsors(books: Books) -> tuple[SponsorMoney, ...]:
    refunds = [leg for leg in books.legs if leg.batch in books.batches and books.batches[leg.batch].kind == "refund"]
    return tuple(
        SponsorMoney(
            sponsor=histogram.sponsor,
            name=books.names.get(histogram.sponsor, ""),
            budget_fen=histogram.budget_fen,
            credited_fen=int(books.postings["fen"][books.postings["sponsor"] == histogram.sponsor].sum()),
            suspense_fen=sum(row.held_fen for row in books.suspense if row.held_sponsor == histogram.sponsor),
            refunded_fen=-sum(leg.fen for leg in refunds if _budget_of(leg) == histogram.sponsor),
        )
        for histogram in books.lottery.histograms
    )


def _budget_of(leg: EntryLine) -> int | None:
    """The sponsor whose round budget this leg moves, if it moves one."""
    kind, *rest = leg.account.split(":")
    return int(rest[-1]) if kind == "budget" else None


def _delay(books: Books, faults_us: Windows, *, inside: bool) -> DelayFigures:
    """Award to commit, of awards that were under way in a fault window, or of all the others."""
    committed = {number: batch.committed_us for number, batch in books.batches.items()}
    at = np.array([committed.get(int(number), 0) for number in books.postings["batch"]], np.int64)
    since = books.postings["award_us"]
    touched = np.zeros(len(at), bool)
    for from_us, to_us in faults_us:
        touched |= (since <= to_us) & (at >= from_us)
    delay_s = np.sort((at - since)[(at > 0) & (touched == inside)]) / 1e6
    count = len(delay_s)

    def percentile(share: float) -> float | None:
        return float(delay_s[int(np.ceil(share * count)) - 1]) if count * (1 - share) >= BEYOND else None

    return DelayFigures(
        count=count, p50=percentile(0.5), p99=percentile(0.99), max=float(delay_s[-1]) if count else None
    )
