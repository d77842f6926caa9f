"""Signal pending_awards: awards whose append has no answer yet, over all fronts."""

from __future__ import annotations

from plans.signals.shape import Signal, level

SIGNAL = Signal(
    "pending_awards", "count", "awards whose append has no verdict yet, over all fronts",
    level(lambda money: money.pending_awards), needs=("pending_awards",), level=True,
)  # fmt: skip
