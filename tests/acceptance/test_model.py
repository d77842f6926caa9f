"""The money protocol's model in every state: some 650,000 of them, 40 s of one core.

And in every state of the instance that breaks without a rule: with the rule nothing breaks. Nor without a tripwire.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from chaos.model.__main__ import explore, summary, walks
from chaos.model.explore import exhaust
from chaos.model.rules import TABLE, TRIPWIRES, Rule
from chaos.model.scenario import READY, Scenario
from chaos.model.scenarios import ALSO_WITHOUT, CRASH_POINTS, EXHAUSTED, WITHOUT
from chaos.model.table import STATES_MAX, sound

WHOLE = {replace(scenario, name="") for scenario in EXHAUSTED}


@pytest.mark.timeout(900)  # a search: bounded by its count of states
def test_the_protocol_holds_in_every_state(record_property: Callable[[str, object], None]) -> None:
    found = explore(640_000, show=False)
    walked = walks(100, seed=1, show=False)
    record_property("shown", summary(found, walked))
    assert found.broken == walked.broken == {}
    assert found.states >= 300_000
    never = [point for point in CRASH_POINTS if not found.taken[point]]
    assert never == []
    # Not vacuous: rounds close, with wins in them, and every front's word.
    for step in (
        "the close commits",
        "front N confirms N-N",
        "credit commits up to N-N",
        "front N awards packet N to user N",
    ):
        assert found.taken[step] > 100
    assert walked.steps > 1000


@pytest.mark.parametrize("rule", [pytest.param(rule, id=rule.name) for rule in TABLE])
def test_with_the_rule_nothing_breaks_in_the_same_scenario(rule: Rule) -> None:
    scenario = replace(WITHOUT[rule.name], prefix=READY, name="")
    if scenario in WHOLE and rule.name not in ALSO_WITHOUT:
        return  # the test above explores it, to its end
    found = sound(rule)
    assert found.complete or found.states >= STATES_MAX
    assert found.broken == {}


@pytest.mark.parametrize("tripwire", TRIPWIRES)
@pytest.mark.parametrize(
    "scenario",
    [
        pytest.param(Scenario("dead", crashes=1, deaths=1), id="Valkey and the front die"),
        pytest.param(Scenario("late", starts=1, late=1, users=1), id="two instances, late messages"),
        pytest.param(Scenario("workers", crashes=1, workers=2), id="two credit workers"),
    ],
)
def test_a_tripwire_is_not_needed_for_safety(tripwire: str, scenario: Scenario) -> None:
    found = exhaust(scenario.machine((tripwire,)), 100_000)
    assert found.complete
    assert found.broken == {}
