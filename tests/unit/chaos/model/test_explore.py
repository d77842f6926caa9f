"""The explorer on machines small enough to be counted by hand."""

from __future__ import annotations

import random

import pytest

from chaos.model.explore import Machine, exhaust, kind, replay, walk

NOTHING: frozenset[str] = frozenset()
Pair = tuple[int, int]


def counters(top: int, bad: Pair | None = None) -> Machine[Pair]:
    """Two counters from 0 to `top`: one moves by itself, the other by a fault."""

    def acts(s: Pair) -> list[tuple[str, Pair]]:
        return [("left", (s[0] + 1, s[1]))] if s[0] < top else []

    def faults(s: Pair) -> list[tuple[str, Pair]]:
        return [("right", (s[0], s[1] + 1))] if s[1] < top else []

    return Machine((0, 0), acts, faults, lambda s: frozenset({"bad"}) if s == bad else NOTHING, lambda s: NOTHING)


@pytest.mark.parametrize(("top", "states"), [(0, 1), (1, 4), (3, 16), (9, 100)])
def test_every_state_is_found_once(top: int, states: int) -> None:
    found = exhaust(counters(top), 1000)
    assert (found.states, found.complete, found.depth) == (states, True, 2 * top)
    # Each row and each column of the square is walked along its edges.
    assert found.steps == 2 * top * (top + 1)
    assert found.taken["left"] == found.taken["right"] == top * (top + 1)


def test_what_two_explorations_share_is_counted_once() -> None:
    union: set[int] = set()
    assert [exhaust(counters(top), 1000, union=union).states for top in (3, 4, 3)] == [16, 25, 16]
    assert len(union) == 25


def test_the_history_is_the_shortest_and_can_be_replayed() -> None:
    machine = counters(4, bad=(1, 2))
    found = exhaust(machine, 1000)
    history = found.broken["bad"]
    assert sorted(history) == ["left", "right", "right"]
    assert replay(machine, history) == (1, 2)


def test_nothing_behind_a_broken_state_is_explored() -> None:
    def broken(s: int) -> frozenset[str]:
        return frozenset({"bad"}) if s == 3 else NOTHING

    chain = Machine(0, lambda s: [("on", s + 1)] if s < 9 else [], lambda s: [], broken, lambda s: NOTHING)
    assert exhaust(chain, 1000).states == 4


def test_it_stops_at_what_is_wanted_and_at_its_limit() -> None:
    wanted = exhaust(counters(50, bad=(1, 0)), 10_000, frozenset({"bad"}))
    assert (wanted.complete, wanted.broken) == (False, {"bad": ("left",)})
    limited = exhaust(counters(50), 20)
    assert not limited.complete
    assert 20 <= limited.states <= 25


def test_a_state_only_faults_can_leave_hangs() -> None:
    machine = counters(2)
    stuck = Machine(machine.start, machine.acts, machine.faults, machine.broken, lambda s: frozenset({"hang"}))
    assert exhaust(stuck, 1000).broken == {"hang": ("left", "left")}


def test_a_step_that_changes_nothing_is_counted_and_no_progress() -> None:
    idle = Machine(0, lambda s: [("again", s)], lambda s: [], lambda s: NOTHING, lambda s: frozenset({"hang"}))
    found = exhaust(idle, 1000)
    assert (found.states, found.taken["again"], found.broken) == (1, 1, {"hang": ()})


def test_walks_are_seeded_and_find_what_is_there() -> None:
    machine = counters(3, bad=(3, 3))
    one, same, other = (walk(machine, random.Random(seed), 40, 20, 0.5) for seed in (7, 7, 8))
    assert (one.states, one.steps, one.taken) == (same.states, same.steps, same.taken)
    assert one.broken != other.broken or one.taken != other.taken
    assert one.states <= 16
    assert len(one.broken["bad"]) == 6


def test_a_label_loses_its_numbers() -> None:
    assert kind("front 12's append 3-4: OK") == "front N's append N-N: OK"
