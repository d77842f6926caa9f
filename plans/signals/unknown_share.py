"""Signal unknown_share: taps that may have happened."""

from __future__ import annotations

from plans.signals.shape import Signal, share

SIGNAL = Signal(
    "unknown_share",
    "share",
    "taps that may have happened, of those answered",
    share(lambda reading: reading.unknown),
    spoken=("unknown",),
)
