"""The account of a run second by second."""

from __future__ import annotations

import numpy as np

from harness.engine.answers import code_of
from harness.engine.results import clumps, seconds
from harness.engine.tape import Tape
from system.contract.history import Outcome

NS = 1_000_000_000


def fired(many: int, lag_ns: int, stalls: bool = False) -> tuple[Tape, int]:
    """Taps of two seconds, each sent so late and answered 1 ms later; with stalls: 9 ms later in 20 of each 400 ms."""
    intended = np.arange(many, dtype=np.int64) * (2 * NS // many)
    zeros = np.zeros(many, np.int32)
    tape = Tape.of(intended, zeros, zeros, zeros.astype(np.uint8), np.ones(many, np.uint8))
    start_ns = 7 * NS
    tape.shift(start_ns)
    for tap in range(many):
        tape.reached[tap] = tape.sent[tap] = tape.intended[tap] + lag_ns
        slow = 9_000_000 if stalls and tap * 2000 // many % 400 < 20 else 0
        tape.done[tap], tape.code[tap] = tape.sent[tap] + 1_000_000 + slow, code_of(Outcome.LOSE, 200)
    return tape, start_ns


def test_service_stands_beside_response_in_every_second() -> None:
    """2,000 taps in two seconds, each sent 3 ms late and answered 1 ms later."""
    tape, start_ns = fired(2000, 3_000_000)
    rows = seconds(tape, start_ns, 2000)
    assert [row["sent"] for row in rows] == [1000, 1000]
    assert [row["response_p99_ms"] for row in rows] == [4.0, 4.0]
    assert [row["service_p99_ms"] for row in rows] == [1.0, 1.0]
    assert [row["lag_p99_ms"] for row in rows] == [3.0, 3.0]


def test_answers_that_were_late_together_are_told_as_clumps() -> None:
    """Every 400 ms 20 ms in which each answer is late: 5 in 100, twenty at a time."""
    calm, _ = fired(2000, 0)
    late, _ = fired(2000, 0, stalls=True)
    measured = np.ones(2000, bool)
    assert clumps(calm, measured)["service"] == {"p50": 1.0, "p95": 1.0, "p99": 1.0}
    assert clumps(late, measured)["service"]["p95"] > 5
    assert clumps(late, np.zeros(2000, bool)) == {"response": {}, "service": {}, "queued": {}}
