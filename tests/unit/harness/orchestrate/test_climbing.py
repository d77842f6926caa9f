"""A climb led over a made-up system whose knee is known: found within one step, from one request on."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from harness.guard.climb import ClimbPath, Ladder, LoadWindow
from harness.guard.green import WindowBounds
from harness.orchestrate.climbing import MOVES, SEEN, ClimbLeader
from harness.phrases import Sentence
from plans.signals import Reading

PEAK, WINDOW_S, REPORT_S = 1000.0, 5.0, 0.5
SHARES = (0.01, 0.1, 0.25, 0.5, 0.75, 1.0, 1.2)
RATES = (1 / WINDOW_S, *(share * PEAK for share in SHARES))


@dataclass
class MadeUpSystem:
    """Serves `knee` requests a second in 2 ms each; what comes faster waits in line. No clock, no randomness."""

    knee: float
    errors_above: float = math.inf
    reached: int = 0
    answered: int = 0
    unknown: int = 0
    quick: int = 0

    def serve(self, due: int, span_s: float) -> None:
        """`due` further requests come evenly in `span_s` seconds."""
        self.reached += due
        line = self.reached - self.answered
        done = min(line, math.floor(self.knee * span_s))
        waits_s = (line - done) / self.knee
        self.answered += done
        self.quick += done if waits_s < 0.05 else 0
        self.unknown += due if due / span_s > self.errors_above else 0

    def reading(self, at_s: float, workers: int) -> Reading:
        return Reading(
            at_s,
            answered=self.answered,
            unknown=self.unknown,
            response_us=((2_000, self.quick), (900_000, self.answered - self.quick)),
            reached=self.reached,
            seen_s=(at_s,) * workers,
        )


@dataclass
class PlayedClimb:
    climb: ClimbPath
    leader: ClimbLeader
    orders: list[tuple[float, LoadWindow]] = field(default_factory=list)
    told: list[tuple[str, Sentence]] = field(default_factory=list)


def played(
    system: MadeUpSystem,
    ladder: Ladder,
    see: Callable[[Reading], Reading] = lambda reading: reading,
    *,
    halted_at_s: float = math.inf,
    report_s: float = REPORT_S,
    warm_up_s: float = 0.0,
) -> PlayedClimb:
    """Until the end of the last window that was ordered."""
    climb = ClimbPath(RATES[: ladder.stairs], ladder, WINDOW_S, warm_up_s)
    now_s, told, orders = 0.0, [], []

    def order(window: LoadWindow) -> None:
        orders.append((now_s, window))

    leader = ClimbLeader(climb, WindowBounds(0.05), 2, order, lambda kind, text: told.append((kind, text)))
    while now_s < climb.last.ends_s:
        before_s, now_s = now_s, now_s + report_s
        warm = round(min(now_s, warm_up_s) * 10) - round(min(before_s, warm_up_s) * 10)
        system.serve(warm + climb.planned(now_s) - climb.planned(before_s), report_s)
        leader.take(see(system.reading(now_s, 2)), now_s, halted=now_s >= halted_at_s)
    return PlayedClimb(climb, leader, orders, told)


LADDER = Ladder(stairs=len(RATES), hold=3, patience=2)


@pytest.mark.parametrize("knee", [15, 60, 180, 300, 480, 520, 700, 760, 1010, 1150])
def test_the_knee_is_found_within_one_step(knee: float) -> None:
    climb = played(MadeUpSystem(knee), LADDER).climb
    assert climb.state.end == "stop"
    assert climb.safe is not None
    assert RATES[climb.safe] <= knee < RATES[climb.safe + 1]
    assert climb.windows[-1].stair == climb.safe + 1, "and no stair beyond it was tried"


def test_a_system_that_carries_it_all_is_climbed_to_the_top() -> None:
    one = played(MadeUpSystem(knee=5000), LADDER, warm_up_s=4.0)
    assert (one.climb.state.end, one.climb.safe) == ("finish", len(RATES) - 1)
    assert len(one.climb.windows) == 3 * len(RATES)
    assert one.told[0] == ("window", "window 0, stair 1 at 0.2/s: green; held")
    assert one.told[-1] == ("climb_over", "window 23, stair 8 at 1,200/s: green; the last stair was held")


def test_every_window_is_ordered_a_second_before_it_begins() -> None:
    for at_s, window in played(MadeUpSystem(knee=480), LADDER).orders:
        assert at_s <= window.begins_s - 1


def test_errors_end_it_on_the_stair_on_which_they_come() -> None:
    climb = played(MadeUpSystem(knee=5000, errors_above=200), LADDER).climb
    assert (climb.state.end, RATES[climb.last.stair], climb.safe) == ("stop", 250.0, 2)


def blind(reading: Reading) -> Reading:
    return Reading(reading.t_s, answered=reading.answered, reached=reading.reached, seen_s=reading.seen_s[:1])


def test_without_figures_it_never_goes_on() -> None:
    one = played(MadeUpSystem(knee=5000), LADDER, blind)
    assert (one.climb.state.end, one.climb.safe) == ("stop", None)
    assert {window.stair for window in one.climb.windows} == {0}
    assert one.told[0][1] == "window 0, stair 1 at 0.2/s: unclear, a worker did not report; the same once more"


def test_who_must_end_ends_at_the_next_decision() -> None:
    one = played(MadeUpSystem(knee=5000), LADDER, halted_at_s=21.0)
    assert one.climb.state.end == "stop"
    assert one.climb.last.ends_s == 25.0
    assert not one.leader.late


def test_a_decision_that_comes_too_late_orders_nothing() -> None:
    """The host was busy: the first reading in which a decision is due comes within the last second."""
    one = played(MadeUpSystem(knee=5000), LADDER, report_s=4.6)
    assert one.leader.late
    assert one.orders == []
    assert one.climb.state.end == "stop"


def test_every_colour_and_every_move_has_its_words() -> None:
    from typing import get_args

    from harness.guard.climb import Move
    from harness.guard.green import Why

    assert set(SEEN) == set(get_args(Why))
    assert set(MOVES) == set(get_args(Move))
