"""What a sponsor is told: its accounts, where its money is, and the lines behind it. In fen, times in µs since 1970."""

from __future__ import annotations

from system.contract.api import Model
from system.contract.ids import Lane


class SponsorLine(Model):
    """One leg on an account of a sponsor: positive into it. A line of a draw has `batch` and `round`, one of a play
    `transfer`. `balance_fen`: the account's, after this line.
    """

    batch: int | None
    transfer: int | None
    kind: str
    round: int | None
    account: str
    fen: int
    balance_fen: int
    credits: int
    committed_us: int


class SponsorTotals(Model):
    """Where a sponsor's money is: paid in = credited + suspense + refunded + open + residue, and the residue is 0.

    `open_fen` is still in rounds; `plays_fen` was paid into plays besides, what came back from them taken off.
    """

    paid_in_fen: int
    credited_fen: int
    suspense_fen: int
    refunded_fen: int
    open_fen: int
    residue_fen: int
    plays_fen: int


class SponsorStatement(Model):
    """A sponsor's accounts with their balances, the totals, and a page of lines, newest first. `exposures`: answers to
    taps that named it, as fronts counted them.
    """

    sponsor: int
    name: str
    lane: Lane
    exposures: int
    balances: dict[str, int]
    totals: SponsorTotals
    lines: tuple[SponsorLine, ...]
    next: str | None = None
