"""Signal error_share: taps without a right answer."""

from __future__ import annotations

from plans.signals.shape import Signal, share

SIGNAL = Signal(
    "error_share", "share", "taps unknown, or refused against the plan, of those answered",
    share(lambda reading: reading.errors), spoken=("errors",),
)  # fmt: skip
