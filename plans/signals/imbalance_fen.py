"""Signal imbalance_fen: the sum over all legs of the lane, which should be 0."""

from __future__ import annotations

from plans.signals.shape import Levels, Signal, level


def _imbalance(money: Levels) -> float | None:
    return None if money.imbalance_fen is None else abs(money.imbalance_fen)


SIGNAL = Signal(
    "imbalance_fen", "count", "sum over all legs of the lane, either way", level(_imbalance),
    needs=("imbalance_fen",), level=True, spoken=("residue", "imbalance"),
)  # fmt: skip
