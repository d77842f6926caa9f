"""Whatever has gone wrong: with no further fault, the round can still be closed."""

from __future__ import annotations

import pytest

from chaos.model.explore import Machine
from chaos.model.invariants import ended
from chaos.model.liveness import TooLarge, cannot_end
from chaos.model.scenario import Scenario

NOTHING: frozenset[str] = frozenset()


@pytest.mark.parametrize(
    "scenario",
    [
        pytest.param(Scenario("crash", crashes=1), id="Valkey dies"),
        pytest.param(Scenario("crash, death", users=1, crashes=1, deaths=1), id="Valkey and the front die"),
        pytest.param(Scenario("zombie", users=1, starts=1, late=1), id="two instances, late messages"),
        pytest.param(Scenario("undo", flushes=1, undos=1), id="a flush, undone"),
        pytest.param(Scenario("damage", damage=1, deaths=1), id="a damaged entry, the front dies"),
        pytest.param(Scenario("start", users=1, control=1, late=1, prefix=()), id="control dies at the start"),
        pytest.param(Scenario("workers", workers=2, deaths=1), id="two credit workers"),
    ],
)
def test_every_round_can_be_closed(scenario: Scenario) -> None:
    states, stuck, first = cannot_end(scenario.machine(), 60_000, ended)
    assert states > 100
    assert (stuck, first) == (0, None)


@pytest.mark.parametrize(
    ("rule", "scenario"),
    [
        pytest.param("tail", Scenario("tail", crashes=1), id="a lost tail nobody looks for"),
        pytest.param("old_damage", Scenario("damage", damage=1, deaths=1), id="damage a rebuild cannot pass"),
    ],
)
def test_without_the_rule_some_cannot(rule: str, scenario: Scenario) -> None:
    _, stuck, first = cannot_end(scenario.machine((rule,)), 60_000, ended)
    assert stuck > 0
    assert first is not None


def circle() -> Machine[int]:
    """0 and 1 undo each other; from 1 a fault leads to 2, and an act from there to 3."""
    moves = {0: [("there", 1)], 1: [("back", 0)], 2: [("on", 3)], 3: []}
    return Machine(
        0, lambda s: moves[s], lambda s: [("slip", 2)] if s == 1 else [], lambda s: NOTHING, lambda s: NOTHING
    )


def test_two_steps_that_undo_each_other_are_no_way_out() -> None:
    assert cannot_end(circle(), 10, lambda s: s == 3) == (4, 2, 0)
    assert cannot_end(circle(), 10, lambda s: s == 0) == (4, 2, 2)


def test_what_it_cannot_see_it_does_not_judge() -> None:
    with pytest.raises(TooLarge, match="more than 3 states"):
        cannot_end(circle(), 3, lambda s: True)
