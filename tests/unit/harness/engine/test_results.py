"""The account of a run second by second."""

from __future__ import annotations

import json

import numpy as np
import pytest

from harness.engine import shots
from harness.engine.answers import DROPPED, code_of
from harness.engine.results import JourneyAccount, clumps, result, seconds
from harness.engine.strands import Strand, tape_of
from harness.engine.tape import Tape
from harness.runs.traffic import traffic_of
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


def test_each_journey_has_its_own_percentiles_and_counts_that_close() -> None:
    """2,000 taps answered after 1 ms, and among them 500 reads answered after 4 ms, of which one was dropped."""
    taps = Strand(*_columns(2000, 0))
    reads = Strand(*_columns(500, 1))
    tape = tape_of([taps, reads])
    tape.shift(7 * NS)
    for tap, journey in enumerate(tape.journey.tolist()):
        tape.reached[tap] = tape.sent[tap] = tape.intended[tap]
        tape.done[tap] = tape.sent[tap] + (4_000_000 if journey else 1_000_000)
        tape.code[tap] = code_of(2, 200)
    last = int(np.flatnonzero(tape.journey == 1)[-1])
    tape.sent[last], tape.code[last] = 0, code_of(DROPPED, 0)
    told = result(
        tape, start_ns=7 * NS, plan_ns=2 * NS, stopped_ns=None, cpu=[], objective_ms=5.0,
        journeys=[
            JourneyAccount("tap", shots.find("tap"), 2000, 50),
            JourneyAccount("reads", shots.find("wallet"), 500, 5),
        ],
    )  # fmt: skip
    found = traffic_of(json.loads(json.dumps(told)), 3)
    own, beside = found[3, "tap"], found[3, "reads"]
    assert found.keys() == {(3, "tap"), (3, "reads")}
    assert own.closes
    assert beside.closes
    assert (own.outcomes["lose"], sum(own.outcomes.values()), own.connections) == (2000, 2000, 50)
    assert (beside.sent, beside.dropped, beside.outcomes["funded"], beside.connections) == (499, 1, 499, 5)
    assert (own.latency_ms.response.p95, beside.latency_ms.response.p95) == (1.0, 4.0)
    assert (own.offered_rps, beside.offered_rps) == pytest.approx((1000, 250), rel=1e-3)
    assert [row["scheduled"] for row in told["seconds"]] == [1000, 1000], "the seconds of the plan are its taps"
    assert told["generator"]["valid"]
    assert told["load"]["scheduled"] == 2000
    lost = result(
        tape, start_ns=7 * NS, plan_ns=2 * NS, stopped_ns=None, cpu=[], objective_ms=5.0,
        journeys=[
            JourneyAccount("tap", shots.find("tap"), 2000, 50),
            JourneyAccount("reads", shots.find("wallet"), 499, 5),
        ],
    )  # fmt: skip
    assert "reads: outcomes - completions seen" in lost["generator"]["reasons"][0]


def _columns(many: int, journey: int) -> tuple[np.ndarray, ...]:
    zeros = np.zeros(many, np.int32)
    intended = np.arange(many, dtype=np.int64) * (2 * NS // many) + journey
    return intended, np.ones(many, np.uint8), zeros, zeros, zeros.astype(np.uint8)


def test_answers_that_were_late_together_are_told_as_clumps() -> None:
    """Every 400 ms 20 ms in which each answer is late: 5 in 100, twenty at a time."""
    calm, _ = fired(2000, 0)
    late, _ = fired(2000, 0, stalls=True)
    measured = np.ones(2000, bool)
    assert clumps(calm, measured)["service"] == {"p50": 1.0, "p95": 1.0, "p99": 1.0}
    assert clumps(late, measured)["service"]["p95"] > 5
    assert clumps(late, np.zeros(2000, bool)) == {"response": {}, "service": {}, "queued": {}}
