"""Several journeys as one schedule: woven by time, each as if it were alone, and a new version moves the taps alone."""

from __future__ import annotations

import numpy as np
import pytest

from harness.engine.schedule import ScheduleError, constant, schedule
from harness.engine.strands import Strand, replan, tape_of
from harness.engine.tape import NEVER, Tape

S = 1_000_000_000


def strand(rate: float, journey: int, room: float = 1.0, base: int = 0, seed: int = 5) -> Strand:
    """Two seconds of one journey; request k of it is made by user base + k over connection base + k mod 3."""
    plan = schedule(constant(rate, 2, phase=1), seed, journey=journey)
    people = np.arange(round(len(plan) * room), dtype=np.int32)
    kind = np.full(len(people), journey * 7, np.uint8)
    return Strand(plan.intended_ns, plan.phase, base + people % 3, base + people, kind)


def of(tape: Tape, journey: int) -> tuple[list[int], list[int], list[int]]:
    """Times, users and kinds of one journey."""
    mine = np.flatnonzero(tape.journey == journey)
    users, times = tape.users(), tape.times(tape.intended)
    return times[mine].tolist(), users[mine].tolist(), tape.kind[mine].tolist()


def test_every_journey_is_what_it_is_alone_and_equal_seeds_give_equal_tapes() -> None:
    taps, reads = strand(500, 0), strand(100, 1, base=10_000)
    tape, again = tape_of([taps, reads]), tape_of([strand(500, 0), strand(100, 1, base=10_000)])
    assert len(tape) == 1200
    assert (np.diff(tape.times(tape.intended)) >= 0).all()
    for number, one in enumerate((taps, reads)):
        assert of(tape, number) == (one.intended_ns.tolist(), one.user.tolist(), one.kind.tolist())
    for column in ("intended", "connection", "user"):
        assert getattr(tape, column) == getattr(again, column)
    assert of(tape, 0) == of(tape_of([taps]), 0), "the taps are what they were without the reads"


def test_even_journeys_of_one_rate_alternate_from_the_seed_on() -> None:
    taps, reads = strand(100, 0), strand(100, 1)
    ahead = (reads.intended_ns - taps.intended_ns) % (S // 100)
    assert len(reads.intended_ns) == len(taps.intended_ns) == 200
    assert len(set(ahead.tolist())) <= 2, "rounded to a nanosecond"
    assert 0 < ahead[0] < S // 100
    assert strand(100, 1, seed=6).intended_ns[0] != reads.intended_ns[0]


def test_a_new_version_of_the_plan_moves_the_taps_alone() -> None:
    taps, reads = strand(500, 0, room=2.0), strand(100, 1, base=10_000)
    tape = tape_of([taps, reads])
    more = S + np.arange(800, dtype=np.int64) * (S // 800)
    before = of(tape, 1)
    assert replan(tape, [taps, reads], S, more, np.ones(800, np.uint8)) == len(tape) == 500 + 800 + 200
    assert of(tape, 1) == before
    times, users, _ = of(tape, 0)
    assert times == taps.intended_ns[:500].tolist() + more.tolist()
    assert users == taps.user[:1300].tolist(), "nobody is left out, nobody stands twice"
    assert tape.intended[len(tape)] == NEVER
    assert (np.diff(tape.times(tape.intended)) >= 0).all()


def test_a_version_that_does_not_fit_changes_nothing() -> None:
    taps, reads = strand(500, 0, room=1.5), strand(100, 1, base=10_000)
    tape = tape_of([taps, reads])
    before = of(tape, 0), of(tape, 1)
    with pytest.raises(ScheduleError, match=r"1501 taps; this run has room for 1500 \(rate_headroom\)"):
        replan(tape, [taps, reads], S, np.full(1001, S), np.ones(1001, np.uint8))
    assert (of(tape, 0), of(tape, 1)) == before
