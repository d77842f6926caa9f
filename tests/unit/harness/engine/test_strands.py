"""Several journeys as one schedule: woven by time, each as if it were alone, and a new version moves the taps alone."""

from __future__ import annotations

import numpy as np
import pytest

from harness.engine import strands as module
from harness.engine.schedule import ScheduleError, constant, schedule
from harness.engine.strands import Strand, append, deal, replan, tape_of
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


def window(rate: float, journey: int, at_s: float, seed: int = 9) -> tuple[np.ndarray, np.ndarray]:
    plan = schedule(constant(rate, 1, phase=1), seed, journey=journey)
    return plan.intended_ns + int(at_s * S), plan.phase


@pytest.mark.parametrize("beside", [False, True])
def test_a_window_is_added_behind_the_plan_and_touches_no_cell_of_it(beside: bool) -> None:
    strands = [strand(500, 0, room=2.0), *([strand(100, 1, room=2.0, base=10_000)] if beside else [])]
    tape = tape_of(strands)
    many = len(tape)
    stood = [of(tape, number) for number in range(len(strands))]
    cells = [bytes(column[:many]) for column in (tape.intended, tape.connection, tape.user)]
    windows = [window((750, 50)[number], number, 2.0) for number in range(len(strands))]
    assert append(tape, strands, windows) == len(tape) == many + 750 + 50 * beside
    assert [bytes(column[:many]) for column in (tape.intended, tape.connection, tape.user)] == cells
    assert (np.diff(tape.times(tape.intended)) >= 0).all()
    assert tape.intended[len(tape)] == NEVER
    for number, one in enumerate(strands):
        times, users, kinds = of(tape, number)
        assert times == stood[number][0] + windows[number][0].tolist()
        assert users == one.user[: len(times)].tolist(), "nobody is left out, nobody stands twice"
        assert kinds == one.kind[: len(times)].tolist()
    assert (tape.phase[many:] == 1).all()


def test_a_window_in_which_a_worker_has_nothing_to_do_is_one() -> None:
    taps = strand(500, 0, room=2.0)
    tape = tape_of([taps])
    none = np.zeros(0, np.int64), np.zeros(0, np.uint8)
    assert append(tape, [taps], [none]) == 1000
    assert append(tape, [taps], [window(10, 0, 7.0)]) == 1010


@pytest.mark.parametrize(
    ("windows", "says"),
    [
        pytest.param([(1001, 2.0), (50, 2.0)], "2001 requests of journey 0; there is room for 2000", id="taps"),
        pytest.param([(1000, 2.0), (200, 2.0)], "", id="what fits"),
        pytest.param([(100, 2.0), (201, 2.0)], "401 requests of journey 1; there is room for 400", id="beside"),
        pytest.param([(100, 1.5), (50, 2.0)], "a window that begins before the plan's end", id="too early"),
    ],
)
def test_a_window_without_room_changes_nothing(windows: list[tuple[float, float]], says: str) -> None:
    strands = [strand(500, 0, room=2.0), strand(100, 1, room=2.0, base=10_000)]
    tape = tape_of(strands)
    before = [bytes(column) for column in (tape.intended, tape.connection, tape.user)], len(tape)
    given = [window(rate, number, at_s) for number, (rate, at_s) in enumerate(windows)]
    if not says:
        assert append(tape, strands, given) == len(tape)
        return
    with pytest.raises(ScheduleError, match=says):
        append(tape, strands, given)
    assert ([bytes(column) for column in (tape.intended, tape.connection, tape.user)], len(tape)) == before


def test_who_makes_a_request_is_dealt_piece_by_piece_as_if_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    strands = [strand(500, 0, room=2.0), strand(100, 1, room=2.0, base=10_000)]
    whole = tape_of(strands)
    monkeypatch.setattr(module, "AHEAD_TAPS", 100)
    monkeypatch.setattr(module, "WOVEN_TAPS", 30)
    tape = tape_of(strands)
    assert tape.dealt == 100
    assert not any(tape.user[100:]), "nobody yet"
    windows = [window((750, 50)[number], number, 2.0) for number in range(2)]
    for one in (whole, tape):
        append(one, strands, windows)
    while tape.dealt < len(tape):
        deal(tape, strands, tape.dealt + 77)
    for one in (whole, tape):
        deal(one, strands, len(one) + 77)
    assert tape.dealt == len(tape)
    assert [of(tape, number) for number in range(2)] == [of(whole, number) for number in range(2)]
    more = S + np.arange(800, dtype=np.int64) * (S // 800)
    for one in (whole, tape):
        replan(one, strands, S, more, np.ones(800, np.uint8))
        deal(one, strands, len(one))
    assert [of(tape, number) for number in range(2)] == [of(whole, number) for number in range(2)], (
        "dealt anew from there"
    )
