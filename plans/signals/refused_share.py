"""Signal refused_share: taps refused, for whatever reason."""

from __future__ import annotations

from plans.signals.shape import Signal, share

SIGNAL = Signal(
    "refused_share", "share", "taps refused, for whatever reason, of those answered",
    share(lambda reading: reading.refused), spoken=("refused",),
)  # fmt: skip
