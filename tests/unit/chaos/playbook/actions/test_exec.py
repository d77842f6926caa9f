"""`exec`: real commands, run and taken back; one that fails, hangs, or is stopped by the red button leaves nothing."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from chaos.playbook import journal, library
from chaos.playbook.actions.exec import ExecAction
from chaos.playbook.halting import halt
from plans.models.errors import PlanError
from tests.support.playbook_rig import REGULAR, SLOW, SPEED, Rig
from tests.support.playbook_world import ALERTS, FakeWorld, text

ACTION = """\
  - {{id: drain, kind: exec, run: [./drain, $lane], {check}read_back: 10m, undo: {undo}}}
"""
BACK = "{run: [./fill, $lane]}"


@pytest.fixture(autouse=True)
def _time_for_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    """An undo's deadline passes by the rig's quick clock; a shell on a busy machine starts by the ordinary one."""
    monkeypatch.setattr("chaos.playbook.run.UNDO_READ_BACK_S", 60 * SPEED)


def running(check: str = "", undo: str = BACK) -> str:
    """A playbook that sets its switches, then runs a command."""
    return text().replace("verify:", ACTION.format(check=check, undo=undo) + "verify:", 1)


def script(folder: Path, name: str, body: str) -> None:
    (folder / "playbooks").mkdir(exist_ok=True)
    file = folder / "playbooks" / name
    file.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    file.chmod(0o700)


def made(folder: Path, drain: str = 'echo "drain $1 $XIU_LANE" >> log', playbook: str | None = None) -> Rig:
    script(folder, "drain", drain)
    script(folder, "fill", 'echo "fill $1" >> log')
    return Rig(folder, playbook or running())


def log(folder: Path) -> list[str]:
    file = folder / "playbooks" / "log"
    return file.read_text(encoding="utf-8").splitlines() if file.exists() else []


def played(rig: Rig, meanwhile: Callable[[], None] = lambda: None) -> None:
    async def script() -> None:
        assert rig.engine.receive(SLOW).runs
        await rig.until(lambda: "held" in rig.states() or rig.facts().over, "held, or its end")
        meanwhile()
        rig.world.age = 0.0

    rig.play(script)


def test_it_runs_in_its_folder_and_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XIU_SECRET", "x")
    rig = made(tmp_path, 'echo "drain $1 $XIU_LANE $XIU_SECRET" >> log')
    played(rig)
    assert rig.facts().state == "closed"
    assert log(tmp_path) == ["drain live live ", "fill live"]
    (item,) = journal.items(rig.folder / journal.FILE)
    assert (item["actions"][2]["kind"], item["actions"][2]["run"]) == (ExecAction.kind, ["./drain", "live"])
    assert rig.world.switches == REGULAR


def test_an_undo_of_none_leaves_it(tmp_path: Path) -> None:
    rig = made(tmp_path, playbook=running(undo="none"))
    played(rig)
    assert (rig.facts().state, log(tmp_path)) == ("closed", ["drain live live"])


def test_a_check_is_asked_until_it_holds(tmp_path: Path) -> None:
    script(tmp_path, "seen", 'echo "seen" >> log; test "$(grep -c seen log)" -ge 3')
    rig = made(tmp_path, playbook=running(check="check: [./seen], "))
    played(rig)
    assert rig.facts().state == "closed"
    assert log(tmp_path) == ["drain live live", "seen", "seen", "seen", "fill live"]


@pytest.mark.parametrize(
    ("drain", "says"),
    [
        pytest.param("echo no room; exit 3", "./drain live: exit code 3, not 0: no room", id="another exit code"),
        pytest.param("kill -9 $$", "./drain live: ended by signal 9, not 0", id="killed"),
        pytest.param("head -c 300000 /dev/zero | tr '\\0' x; exit 1", "exit code 1, not 0: xxxx", id="much to say"),
    ],
)
def test_one_that_fails_is_not_run_again_and_everything_is_undone(tmp_path: Path, drain: str, says: str) -> None:
    rig = made(tmp_path, f"echo ran >> log; {drain}")
    played(rig)
    facts = rig.facts()
    assert facts.state == "read_back_failed"
    assert says in facts.text
    assert len(facts.text) < 600
    assert log(tmp_path) == ["ran", "fill live"], "once, and taken back: nobody knows how far it came"
    assert rig.world.switches == REGULAR


def test_a_command_that_is_not_there_is_named(tmp_path: Path) -> None:
    rig = made(tmp_path, playbook=running().replace("./drain", "./drian"))
    played(rig)
    assert "./drian live: cannot be run: No such file" in rig.facts().text


def test_an_undo_that_fails_at_first_is_tried_again(tmp_path: Path) -> None:
    rig = made(tmp_path)
    script(tmp_path, "fill", "echo fill >> log; test $(grep -c fill log) -ge 3")
    played(rig)
    assert (rig.facts().state, log(tmp_path).count("fill")) == ("closed", 3)


def test_the_red_button_does_not_wait_for_a_command(tmp_path: Path) -> None:
    rig = made(tmp_path, "echo $$ > pid; exec sleep 600")
    pid = tmp_path / "playbooks" / "pid"

    async def script() -> None:
        assert rig.engine.receive(SLOW).runs
        await rig.until(lambda: pid.exists() and bool(pid.read_text().strip()), "it runs")
        told = halt(tmp_path)
        assert any("./drain live was run, and is not undone" in line for line in told)
        await rig.until_state("halted")

    rig.play(script)
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)
    assert rig.world.switches["draw.release_percent"] == 25, "nothing is undone by force"


def test_killed_in_the_middle_it_is_run_again_and_taken_back_once(tmp_path: Path) -> None:
    rig = made(tmp_path)
    played(rig)
    path = rig.folder / journal.FILE
    lines = path.read_bytes().splitlines(keepends=True)
    begun = max(number for number, line in enumerate(lines) if b'"executing"' in line)
    path.write_bytes(b"".join(lines[: begun + 1]))
    (tmp_path / "playbooks" / "log").unlink()
    rig.world = FakeWorld()
    rig.world.switches |= {"draw.release_percent": 25, "draw.shed_percent": 10}
    engine = rig.make()

    async def go_on() -> None:
        async with asyncio.TaskGroup() as group:
            assert engine.resume(group)
            await rig.until_state("held")
            rig.world.age = 0.0

    asyncio.run(go_on())
    assert (rig.facts().state, log(tmp_path)) == ("closed", ["drain live live", "fill live"])


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        pytest.param(f", undo: {BACK}", "", "`actions[3].undo` is missing", id="no undo"),
        pytest.param(BACK, "{restore: before}", "`actions[3].undo", id="another kind's undo"),
        pytest.param("[./drain, $lane]", "[]", "`actions[3].run`", id="no command"),
        pytest.param("[./drain, $lane]", "./drain", "`actions[3].run`", id="a text"),
        pytest.param("[./drain, $lane]", "[./drain, $HOME]", "$HOME stands for nothing", id="a word of the shell"),
        pytest.param("[./drain, $lane]", "[./drain, $cell]", "$cell stands for nothing", id="not bound to a cell"),
        pytest.param("run: [./fill, $lane]", "run: [./fill, $lain]", "$lain stands for nothing", id="in the undo"),
        pytest.param("kind: exec, run", "kind: exec, rum", "did you mean run?", id="a misspelt key"),
    ],
)  # fmt: skip
def test_what_is_no_command_is_refused(tmp_path: Path, old: str, new: str, says: str) -> None:
    file = tmp_path / "p.yaml"
    assert old in running()
    file.write_text(running().replace(old, new, 1), encoding="utf-8")
    with pytest.raises(PlanError) as told:
        library.load([file], ALERTS)
    assert any(says in str(problem) for problem in told.value.problems), told.value.problems
