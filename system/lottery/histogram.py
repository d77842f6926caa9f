"""Histogram: which amounts a sponsor's packets have, and how many of each. Pure, integer fen, exact sums.

Owns the classes, their checks, and a deterministic way to make them from a budget. No floats, no randomness.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from system.lottery.errors import HistogramError

PACKETS_MAX = 2**31
FEN_MAX = 2**32 - 1
"""A packet's amount must fit the u32 of a win record."""
SPONSOR_MAX = 2**16 - 1
SHARE_SUM = 10_000
MEAN = 100


class AmountCount(NamedTuple):
    """`packets` packets of `fen` each."""

    fen: int
    packets: int


class Luck(NamedTuple):
    """`share` of 10,000 packets get about `factor` hundredths of the mean."""

    share: int
    factor: int


LUCKY = (Luck(4000, 40), Luck(3000, 80), Luck(2000, 120), Luck(800, 250), Luck(180, 700), Luck(20, 1700))
"""拼手气: many small, few large; 2 in 1,000 packets hold 17 times the mean."""
EQUAL = (Luck(SHARE_SUM, MEAN),)


@dataclass(frozen=True)
class PacketHistogram:
    """One sponsor's packets: amount classes, strictly ascending in fen, each with at least one packet.

    Raises HistogramError on anything else, so that equal histograms have equal bytes in the commitment.
    """

    sponsor: int
    classes: tuple[AmountCount, ...]

    def __post_init__(self) -> None:
        where = f"histogram of sponsor {self.sponsor!r}"
        if not _is_int(self.sponsor) or not 0 <= self.sponsor <= SPONSOR_MAX:
            raise HistogramError(f"{where}: the sponsor must be an integer in [0, {SPONSOR_MAX}]")
        object.__setattr__(self, "classes", tuple(AmountCount(*pair) for pair in self.classes))
        if not self.classes:
            raise HistogramError(f"{where}: no classes")
        previous = 0
        for fen, count in self.classes:
            if not _is_int(fen) or not previous < fen <= FEN_MAX:
                raise HistogramError(
                    f"{where}: {fen!r} fen; expected integers in [1, {FEN_MAX}], each above the one before"
                )
            if not _is_int(count) or not 0 < count <= PACKETS_MAX:
                raise HistogramError(f"{where}: {count!r} packets of {fen} fen; expected an integer in [1, 2^31]")
            previous = fen

    @classmethod
    def of(cls, sponsor: int, classes: Iterable[tuple[int, int]]) -> PacketHistogram:
        """From classes in any order; equal amounts are merged. Raises HistogramError."""
        counts: Counter[int] = Counter()
        for fen, count in classes:
            if not _is_int(fen) or not _is_int(count) or count < 1:
                raise HistogramError(
                    f"histogram of sponsor {sponsor!r}: class ({fen!r}, {count!r}); expected integers ≥ 1"
                )
            counts[fen] += count
        return cls(sponsor, tuple(AmountCount(fen, counts[fen]) for fen in sorted(counts)))

    @property
    def packets(self) -> int:
        return sum(count for _, count in self.classes)

    @property
    def budget_fen(self) -> int:
        return sum(fen * count for fen, count in self.classes)


def make_histogram(
    sponsor: int, packets: int, budget_fen: int, *, fen_min: int = 1, spread: Sequence[Luck] = LUCKY
) -> PacketHistogram:
    """A histogram with exactly that many packets and exactly that budget, every packet at least `fen_min`.

    Deterministic from its arguments, so a forecast can state it. At most one class more than the spread has. Raises
    HistogramError when the budget is too small, an amount too large, or the spread spends more than the budget.
    Source: docs/lottery.md (making a histogram).
    """
    if not all(map(_is_int, (packets, budget_fen, fen_min))):
        raise HistogramError("packets, budget and minimum must be integers")
    if not 1 <= packets <= PACKETS_MAX:
        raise HistogramError(f"{packets} packets; expected 1 to 2^31")
    if fen_min < 1:
        raise HistogramError(f"a minimum of {fen_min} fen; expected at least 1")
    spare = budget_fen - packets * fen_min
    if spare < 0:
        raise HistogramError(f"{budget_fen} fen are too few for {packets} packets of at least {fen_min} fen")
    _check_spread(spread)
    rows: list[AmountCount] = []
    reached = done = 0
    for share, factor in spread:
        reached += share
        # Rounded up, so that what rounding moves goes to smaller amounts and never overspends.
        upto = -(-packets * reached // SHARE_SUM)
        rows.append(AmountCount(fen_min + spare * factor // (packets * MEAN), upto - done))
        done = upto
    rest = budget_fen - sum(fen * count for fen, count in rows)
    each, first = divmod(rest, packets)
    counts: Counter[int] = Counter()
    for fen, count in rows:
        # What rounding left over: the same to everybody, then one fen each to the smallest.
        more = min(first, count)
        first -= more
        counts[fen + each + 1] += more
        counts[fen + each] += count - more
    return PacketHistogram.of(sponsor, (+counts).items())


def _check_spread(spread: Sequence[Luck]) -> None:
    factors = [factor for _, factor in spread]
    shares = [share for share, _ in spread]
    if factors != sorted(factors) or min(factors, default=-1) < 0 or min(shares, default=0) <= 0:
        raise HistogramError("a spread needs positive shares and factors in ascending order")
    if sum(shares) != SHARE_SUM or sum(share * factor for share, factor in spread) > SHARE_SUM * MEAN:
        raise HistogramError(f"a spread needs shares that add to {SHARE_SUM} and a mean factor of at most {MEAN}")


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
