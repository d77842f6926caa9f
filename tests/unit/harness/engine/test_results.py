"""The account of a run second by second."""

from __future__ import annotations

import numpy as np

from harness.engine.answers import code_of
from harness.engine.results import seconds
from harness.engine.tape import Tape
from system.contract.history import Outcome

NS = 1_000_000_000


def test_service_stands_beside_response_in_every_second() -> None:
    """2,000 taps in two seconds, each sent 3 ms late and answered 1 ms later."""
    many = 2000
    intended = np.arange(many, dtype=np.int64) * (2 * NS // many)
    zeros = np.zeros(many, np.int32)
    tape = Tape.of(intended, zeros, zeros, zeros.astype(np.uint8), np.ones(many, np.uint8))
    start_ns = 7 * NS
    tape.shift(start_ns)
    for tap in range(many):
        tape.reached[tap] = tape.sent[tap] = tape.intended[tap] + 3_000_000
        tape.done[tap], tape.code[tap] = tape.sent[tap] + 1_000_000, code_of(Outcome.LOSE, 200)
    rows = seconds(tape, start_ns, many)
    assert [row["sent"] for row in rows] == [1000, 1000]
    assert [row["response_p99_ms"] for row in rows] == [4.0, 4.0]
    assert [row["service_p99_ms"] for row in rows] == [1.0, 1.0]
    assert [row["lag_p99_ms"] for row in rows] == [3.0, 3.0]
