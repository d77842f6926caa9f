"""Signal late_share: the share of the taps that the generator sent late."""

from __future__ import annotations

from plans.signals.shape import Reading, Signal, Value


def _read(first: Reading, now: Reading) -> Value | None:
    sent = sum(count for _, count in now.lag_us) - sum(count for _, count in first.lag_us)
    return Value((now.late - first.late) / sent, sent) if sent else None


SIGNAL = Signal(
    "late_share", "share", "taps that the generator sent more than 10 ms late, of those sent", _read, spoken=("late",)
)
