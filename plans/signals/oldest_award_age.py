"""Signal oldest_award_age: age of the oldest award not yet posted."""

from __future__ import annotations

from plans.signals.shape import Signal, level

SIGNAL = Signal(
    "oldest_award_age", "age", "age of the oldest award not yet posted", level(lambda money: money.oldest_age_s),
    needs=("oldest_age_s",), level=True, spoken=("oldest award",),
)  # fmt: skip
