"""Signal credit_delay_p99: from a win to its balance, of the awards posted in the window."""

from __future__ import annotations

from plans.signals.shape import Reading, Signal, Value, p99


def _read(first: Reading, now: Reading) -> Value | None:
    before, after = first.money.credit_delay, now.money.credit_delay
    if before is None or after is None:
        return None
    fresh: dict[float, float] = {}
    below = 0.0
    for edge in sorted(after):
        upto = after[edge] - before.get(edge, 0.0)
        fresh[edge], below = upto - below, upto
    if any(count < 0 for count in fresh.values()):
        return None  # the worker restarted, and its counters began at 0
    return p99(fresh)


SIGNAL = Signal(
    "credit_delay_p99", "time", "win to balance, of awards posted in the window", _read, needs=("credit_delay",)
)
