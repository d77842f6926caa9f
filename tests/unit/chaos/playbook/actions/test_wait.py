"""`wait`: a run goes on once the figure holds, gives up in time, and is taken up behind a kill."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from chaos.playbook import journal
from chaos.playbook.actions.wait import WaitAction
from tests.support.playbook_rig import REGULAR, SLOW, Rig
from tests.support.playbook_world import FakeWorld, text

WAITS = """\
  - id: settle
    kind: wait
    read_back: {within}
    until: {{what: fronts that report, query: fronts, op: ">=", value: 3}}
"""


def waiting(within: str = "10m") -> str:
    """A playbook that sets a switch, waits for a third front, sets another."""
    return text().replace("  - id: shed", WAITS.format(within=within) + "  - id: shed", 1)


def test_it_goes_on_once_the_figure_holds_and_is_no_work_to_undo(tmp_path: Path) -> None:
    rig = Rig(tmp_path, waiting())

    async def script() -> None:
        assert rig.engine.receive(SLOW).runs
        await rig.until(lambda: rig.states().count("executing") == 2, "it waits")
        assert rig.world.switches["draw.shed_percent"] == 0
        rig.world.fronts = 3.0
        await rig.until_state("held")
        rig.world.age = 0.0

    rig.play(script)
    assert rig.states()[-1] == "closed"
    assert rig.world.switches == REGULAR
    (item,) = journal.items(rig.folder / journal.FILE)
    assert [(one["id"], one["kind"]) for one in item["actions"]] == [
        ("slow-down", "set_switch"), ("settle", WaitAction.kind), ("shed", "set_switch"),
    ]  # fmt: skip


@pytest.mark.parametrize(("fronts", "says"), [(None, "no data, not >= 3"), (2.0, "2, not >= 3")])
def test_what_never_holds_is_a_failure_and_what_was_done_is_undone(
    tmp_path: Path, fronts: float | None, says: str
) -> None:
    rig = Rig(tmp_path, waiting("1s").replace("preconditions: [", "preconditions: []  # ["))
    rig.world.fronts = fronts

    async def script() -> None:
        assert rig.engine.receive(SLOW).runs

    rig.play(script)
    facts = rig.facts()
    assert facts.state == "read_back_failed"
    assert says in facts.text
    assert rig.world.switches == REGULAR
    assert ("draw.shed_percent", 10) not in rig.world.orders


def test_killed_while_it_waits_the_next_engine_waits_on(tmp_path: Path) -> None:
    rig = Rig(tmp_path, waiting())

    async def killed() -> None:
        assert rig.engine.receive(SLOW).runs
        await rig.until(lambda: rig.states().count("executing") == 2, "it waits")
        rig.engine.let_go()

    rig.play(killed)
    rig.world = FakeWorld(fronts=3.0)
    rig.world.switches["draw.release_percent"] = 25
    engine = rig.make()

    async def go_on() -> None:
        async with asyncio.TaskGroup() as group:
            assert len(engine.resume(group)) == 1
            await rig.until_state("held")
            rig.world.age = 0.0

    asyncio.run(go_on())
    assert rig.states()[-1] == "closed"
    assert rig.states().count("executing") == 3
    assert rig.world.switches == REGULAR


def test_a_kind_that_is_gone_is_left_to_a_person_and_named(tmp_path: Path) -> None:
    rig = Rig(tmp_path)

    async def begin() -> None:
        assert rig.engine.receive(SLOW).runs
        await rig.until_state("held")
        rig.engine.let_go()

    rig.play(begin)
    path = rig.folder / journal.FILE
    path.write_text(path.read_text(encoding="utf-8").replace('"set_switch"', '"set_lever"'), encoding="utf-8")
    rig.world.age = 0.0
    engine = rig.make()

    async def go_on() -> None:
        async with asyncio.TaskGroup() as group:
            engine.resume(group)

    asyncio.run(go_on())
    assert rig.facts().state == "rollback_failed"
    assert "nobody here knows how a set_lever is undone" in rig.facts().text
