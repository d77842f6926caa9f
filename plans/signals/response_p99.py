"""Signal response_p99: response time of the taps of the window."""

from __future__ import annotations

from plans.signals.shape import Reading, Signal, Value, p99


def _read(first: Reading, now: Reading) -> Value | None:
    before = dict(first.response_us)
    return p99({edge / 1e6: count - before.get(edge, 0) for edge, count in now.response_us})


SIGNAL = Signal("response_p99", "time", "response time of the window", _read)
