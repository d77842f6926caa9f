"""`set_switch`: the lane it holds, what it finds before, how it is taken back, and when it is left alone.

Under a whole run: unit/chaos/playbook/test_runs.py; on a stack: integration/playbook/test_engine.py.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from chaos.playbook.action import ActionProgress, Hold
from chaos.playbook.actions.set_switch import SetSwitch, SwitchAction
from chaos.playbook.scope import Scope
from chaos.playbook.world import Away
from tests.support.playbook_world import FakeWorld

RELEASE = "draw.release_percent"
KIND = SwitchAction()
STRESS = Scope(lane="stress")
TOOK = ActionProgress(at_s=100.0, took=True, began=False, memory={})


def spec(**more: Any) -> SetSwitch:
    given = {"id": "slow", "set": {"switch": RELEASE, "to": 25}, "read_back": "2s", "undo": {"restore": "before"}}
    return SetSwitch.model_validate(given | more)


def prepared(world: FakeWorld, scope: Scope = STRESS, **more: Any) -> dict[str, Any]:
    return dict(asyncio.run(KIND.prepare(spec(**more), scope, Path("/"), world)))


def test_it_holds_the_switch_in_its_lane_and_one_without_lanes_in_both() -> None:
    assert KIND.holds(spec(), STRESS) == {Hold(RELEASE, "stress")}
    red = spec(set={"switch": "stress.accept", "to": 0})
    assert KIND.holds(red, STRESS) == {Hold("stress.accept", "live"), Hold("stress.accept", "stress")}


def test_one_lane_is_changed_read_back_and_undone() -> None:
    world = FakeWorld()
    detail = prepared(world)
    assert detail == {
        "key": RELEASE, "lane": "stress", "cell": None, "to": 25, "before": 100,
        "undo": {"restore": "before", "catch_up": None},
    }  # fmt: skip
    assert KIND.words(detail).change == f"{RELEASE} (stress): 100 → 25"
    asyncio.run(KIND.apply(detail, world, "run 1", 1.0))
    assert (world.stress[RELEASE], world.switches[RELEASE]) == (25, 100)
    seen = asyncio.run(KIND.read_back(detail, world))
    assert (set(seen.where), seen.why) == ({"control", "front-0", "front-1"}, "")
    undo = asyncio.run(KIND.undo(detail, TOOK, world, 110.0))
    assert [step.detail["to"] for step in undo.steps] == [100]


def test_a_process_that_has_it_not_is_named() -> None:
    world = FakeWorld(deaf=frozenset({"front-1"}))
    detail = prepared(world)
    asyncio.run(KIND.apply(detail, world, "run 1", 1.0))
    assert asyncio.run(KIND.read_back(detail, world)).why == f"{RELEASE} (stress) is not 25 in front-1 (100)"


def test_what_was_before_has_to_be_told() -> None:
    with pytest.raises(Away, match=rf"control does not tell {RELEASE} \(stress\)"):
        prepared(FakeWorld(away=True))


@pytest.mark.parametrize(
    ("now", "progress", "says"),
    [
        pytest.param(40, TOOK, "is 40, set by somebody else since: left alone", id="another value"),
        pytest.param(100, TOOK, "is 100 again, set by somebody else: left alone", id="set back already"),
    ],
)
def test_what_somebody_else_has_set_is_left_alone(now: int, progress: ActionProgress, says: str) -> None:
    world = FakeWorld()
    detail = prepared(world)
    world.stress[RELEASE] = now
    undo = asyncio.run(KIND.undo(detail, progress, world, 110.0))
    assert (undo.steps, says in undo.text) == ((), True)


def test_catching_up_lasts_as_long_as_what_was_held_back_and_is_remembered() -> None:
    world = FakeWorld()
    detail = prepared(world, undo={"restore": "before", "catch_up": 200})
    world.stress[RELEASE] = 25
    undo = asyncio.run(KIND.undo(detail, TOOK, world, 140.0))
    assert [(step.detail["to"], step.until_s) for step in undo.steps] == [(200, 170.0), (100, 0.0)]
    again = ActionProgress(100.0, took=True, began=True, memory=undo.steps[0].memory)
    assert asyncio.run(KIND.undo(detail, again, world, 160.0)).steps[0].until_s == 170.0


@pytest.mark.parametrize(
    ("more", "says"),
    [
        pytest.param({"set": {"switch": RELEASE, "to": 201}}, "expected a whole number from 1 to 200", id="its range"),
        pytest.param({"set": {"switch": "draw.relese_percent", "to": 1}}, "did you mean", id="no such switch"),
        pytest.param({"set": {"switch": "draw.shed_percent", "to": 10}, "undo": {"restore": "before", "catch_up": 150}},
                     "catch_up makes good what", id="nothing held back"),
        pytest.param({"undo": {"restore": "before", "catch_up": 100}}, "expected 101 to 200", id="no faster"),
        pytest.param({"read_back": "31s"}, "30", id="read back too late"),
    ],
)  # fmt: skip
def test_bad_input_is_told(more: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError) as told:
        spec(**more)
    assert says in str(told.value)


IN_CELL = Scope(lane="live", cell="1")


def test_bound_to_a_cell_it_is_that_cell_s_switch_alone() -> None:
    world = FakeWorld()
    assert KIND.holds(spec(), IN_CELL) == {Hold(RELEASE, "live 1")}
    detail = prepared(world, IN_CELL)
    assert (detail["cell"], KIND.words(detail).change) == (1, f"{RELEASE} (live, cell 1): 100 → 25")
    asyncio.run(KIND.apply(detail, world, "run 1", 1.0))
    assert (world.own, world.switches[RELEASE]) == ({(RELEASE, "live", 1): 25}, 100)
    seen = asyncio.run(KIND.read_back(detail, world))
    assert (set(seen.where), seen.why) == ({"control", "front-1"}, ""), "the parts of that cell alone"
    undo = asyncio.run(KIND.undo(detail, TOOK, world, 110.0))
    for step in undo.steps:
        asyncio.run(KIND.apply(step.detail, world, "run 1", 1.0))
    assert (world.own, world.switches[RELEASE]) == ({}, 100), "it follows its lane again"


def test_one_that_has_no_cells_is_set_for_all_though_the_run_is_bound_to_one() -> None:
    red = spec(set={"switch": "stress.accept", "to": 0})
    assert KIND.holds(red, IN_CELL) == {Hold("stress.accept", "live"), Hold("stress.accept", "stress")}


def test_a_journal_of_before_there_were_cells_is_read() -> None:
    world = FakeWorld()
    old = {"key": RELEASE, "lane": "live", "to": 25, "before": 100, "undo": None}
    asyncio.run(KIND.apply(old, world, "run 1", 1.0))
    assert (world.switches[RELEASE], asyncio.run(KIND.read_back(old, world)).why) == (25, "")
