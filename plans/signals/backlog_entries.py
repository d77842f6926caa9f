"""Signal backlog_entries: entries of the win log not yet posted."""

from __future__ import annotations

from plans.signals.shape import Signal, level

SIGNAL = Signal(
    "backlog_entries", "count", "entries of the win log not yet posted", level(lambda money: money.backlog_entries),
    needs=("backlog_entries",), level=True, spoken=("backlog",),
)  # fmt: skip
