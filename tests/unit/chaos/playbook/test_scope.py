"""Where a run acts: bound from the alert's labels; what is missing or unknown is a refusal in words."""

from __future__ import annotations

from pathlib import Path

import pytest

from chaos.playbook import library
from chaos.playbook.engine import Alert
from chaos.playbook.scope import Scope, Unbound, bind
from plans.models.errors import PlanError
from tests.support.playbook_rig import REGULAR, Rig
from tests.support.playbook_world import ALERTS, FakeWorld, text

CELLS = "scope: [lane, cell]\ntrigger:"


def alert(number: int = 1, lane: str = "stress", **labels: str) -> Alert:
    return Alert("Slow", lane, 1000.0, f"f{number}@1", labels)


@pytest.mark.parametrize(
    ("names", "labels", "found"),
    [
        pytest.param(("lane",), {"lane": "live", "cell": "7"}, Scope("live"), id="what is not asked for is not bound"),
        pytest.param(("lane", "cell"), {"lane": "live", "cell": "1"}, Scope("live", "1"), id="a lane and a cell"),
        pytest.param(("front",), {"front": "front-1"}, Scope(front="front-1"), id="a front"),
        pytest.param(("front",), {"part": "front-0"}, Scope(front="front-0"), id="a front as Prometheus calls it"),
        pytest.param((), {}, Scope(), id="nothing"),
    ],
)
def test_what_is_bound(names: tuple[str, ...], labels: dict[str, str], found: Scope) -> None:
    assert bind(names, labels, FakeWorld().known) == found


@pytest.mark.parametrize(
    ("names", "labels", "says"),
    [
        pytest.param(("lane",), {}, "no lane is named; expected live or stress: nothing is done", id="no lane"),
        pytest.param(("lane", "cell"), {"lane": "live"}, "no cell is named; expected 0 or 1", id="no cell"),
        pytest.param(("cell",), {"cell": "2"}, "cell '2' is none; expected 0 or 1", id="no such cell"),
        pytest.param(("cell",), {"cell": "x" * 99}, "cell 'xxxxx", id="a name without end"),
        pytest.param(("front",), {"part": "control"}, "front 'control' is none; expected front-0", id="no front"),
    ],
)
def test_what_is_refused(names: tuple[str, ...], labels: dict[str, str], says: str) -> None:
    with pytest.raises(Unbound) as told:
        bind(names, labels, FakeWorld().known)
    assert str(told.value).startswith(says)
    assert len(str(told.value)) < 120


def test_two_cells_of_one_lane_are_two_runs_each_with_the_switch_of_its_cell(tmp_path: Path) -> None:
    """The lane's own value stays, and a run on the whole lane would wait: there are none beside."""
    whole = text(id="whole", alert="Other").replace("trigger:", "scope: [lane]\ntrigger:")
    rig = Rig(tmp_path, text().replace("trigger:", CELLS).replace("query: age", "query: 'age'"), whole)
    key = "draw.release_percent"

    async def script() -> None:
        unbound = rig.engine.receive(alert())
        assert (unbound.runs, unbound.later) == ((), False)
        assert unbound.not_now["slow"].startswith("no cell is named")
        assert rig.engine.receive(alert(2, cell="1")).runs
        await rig.until_state("held")
        assert rig.facts().scope == Scope("stress", "1")
        assert (rig.world.switches, rig.world.stress) == (REGULAR, REGULAR)
        assert rig.world.own[key, "stress", 1] == 25
        steps = {"playbook": "slow", "lane": "stress", "cell": "1", "step": "run"}
        assert rig.value("drill_playbook_step_state", **steps, state="held") == 1
        lane = rig.engine.order("whole", "stress", "me")
        assert (lane.runs, f"has {key}" in lane.not_now["whole"].replace("draw.shed_percent, ", "")) == ((), True)
        assert rig.engine.receive(alert(3, cell="0")).runs
        await rig.until(lambda: (key, "stress", 0) in rig.world.own, "the other cell's")
        assert "goes on" in rig.engine.receive(alert(4, cell="1")).not_now["slow"]
        rig.world.age = 0.0

    rig.play(script)
    assert rig.make().runs.keys() == rig.engine.runs.keys()
    assert {facts.scope for facts in rig.engine.runs.values()} == {Scope("stress", "1"), Scope("stress", "0")}
    assert (rig.world.stress, rig.world.own) == (REGULAR, {}), "each follows its lane again"


def test_an_order_names_what_is_bound_and_nothing_else(tmp_path: Path) -> None:
    rig = Rig(tmp_path, text().replace("trigger:", CELLS))

    async def script() -> None:
        order = rig.engine.order
        assert "no cell is named" in order("slow", "live", "me").not_now["slow"]
        assert "front is none of what it is bound to" in order("slow", "live", "me", front="front-0").not_now["slow"]
        assert order("slow", "live", "me", cell="0").runs
        rig.world.age = 0.0

    rig.play(script)
    assert rig.facts().state == "closed"


def test_matchers_choose_the_alert(tmp_path: Path) -> None:
    """Two playbooks of one alert, told apart by a label: each acts on its own."""
    matched = ("matchers: ['lane=\"{}\"'], cooldown").format
    texts = [text(id=lane).replace("cooldown", matched(lane)) for lane in ("live", "stress")]
    rig = Rig(tmp_path, *texts)

    async def script() -> None:
        (run,) = rig.engine.receive(alert()).runs
        assert run.startswith("stress-")
        answer = rig.engine.receive(alert(2, lane="neither"))
        assert (answer.runs, answer.not_now) == ((), {}), "no playbook of this alert is meant"
        rig.engine.let_go()

    rig.play(script)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        pytest.param("trigger:", "scope: [cell]\ntrigger:", "draw.release_percent is set in one lane; expected lane in",
                     id="a switch of a lane without a lane"),
        pytest.param("trigger:", "scope: [lane, lane]\ntrigger:", "lane stands twice", id="twice"),
        pytest.param("trigger:", "scope: [room]\ntrigger:", "'room'", id="no such place"),
        pytest.param("query: age,", "query: 'age{c=\"$cell\"}',", "$cell is nothing that a run is bound to",
                     id="a word for what is not bound"),
        pytest.param("cooldown", "matchers: [lane], cooldown", "'lane' is no matcher", id="no matcher"),
        pytest.param("cooldown", "matchers: ['a=\"1\"', 'a=\"2\"'], cooldown", "no alert matches all of them",
                     id="matchers that exclude each other"),
        pytest.param("cooldown", "matcher: ['a=\"1\"'], cooldown", "did you mean matchers?", id="a misspelt key"),
    ],
)  # fmt: skip
def test_a_scope_or_a_matcher_that_means_nothing_is_refused_with_its_line(
    tmp_path: Path, old: str, new: str, says: str
) -> None:
    file = tmp_path / "p.yaml"
    file.write_text(text().replace(old, new, 1), encoding="utf-8")
    with pytest.raises(PlanError) as told:
        library.load([file], ALERTS)
    found = [str(problem) for problem in told.value.problems]
    assert any(says in one and one.startswith(f"{file}:") for one in found), found
