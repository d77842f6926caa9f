"""The closing of the counts, from the generator's schedule down to the last fen, out of a run record. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from harness.runs.record import LedgerFile, LedgerLine, RunRecord, SponsorBooks


def _line(code: str, says: str, left: int | None, right: int | None) -> LedgerLine:
    residue = None if left is None or right is None else left - right
    return LedgerLine(code=code, says=says, left=left, right=right, residue=residue)


def _sum(parts: Iterable[int | None]) -> int | None:
    total = 0
    for part in parts:
        if part is None:
            return None
        total += part
    return total


def lines_of(record: RunRecord) -> tuple[LedgerLine, ...]:
    """Each equation that must hold; a figure that is not known leaves its residue unknown."""
    load, wins, money = record.load, record.wins, record.money
    known = sum(load.outcomes.values())
    own = (
        _line(
            "schedule", "scheduled = sent + dropped + unsent", load.scheduled, load.sent + load.dropped + load.unsent
        ),
        _line("outcomes", "sent = Σ outcomes", load.sent, known),
    )
    if record.service is not None:
        return own
    return (
        *own,
        _line("wins_logged", "wins seen = awards logged", wins.seen, wins.logged),
        _line(
            "wins_posted", "awards logged = posted + suspense", wins.logged, _sum((wins.posted, wins.suspended or 0))
        ),
        _line(
            "fen_credited",
            "fen awarded = credited + suspense",
            money.awarded_fen,
            _sum((money.credited_fen, money.suspense_fen)),
        ),
        _line(
            "fen_budget",
            "budget = credited + suspense + refunded",
            money.budget_fen,
            _sum((money.credited_fen, money.suspense_fen, money.refunded_fen)),
        ),
    )


def books_of(record: RunRecord, sponsors: Sequence[SponsorBooks] = ()) -> LedgerFile:
    """`ledger.json` of a run."""
    lines = lines_of(record)
    closes = all(line.residue == 0 for line in lines)
    if record.service is None:
        closes = closes and record.money.residue_fen == 0 and record.wins.residue == 0
    return LedgerFile(
        run_id=record.run_id,
        lines=lines,
        sponsors=tuple(sponsors),
        closes=closes and all(sponsor.residue_fen == 0 for sponsor in sponsors),
    )
