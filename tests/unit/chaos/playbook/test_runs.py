"""Runs of the engine in a world of figures: what starts them, every way they end, and a kill behind every line."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable
from pathlib import Path

import pytest

from chaos.playbook import journal
from chaos.playbook.engine import Alert
from chaos.playbook.halting import halt, halted, resume
from chaos.playbook.journal import PlaybookFacts
from chaos.playbook.library import Library
from chaos.seat import seated
from tests.support.deadline import lasting
from tests.support.playbook_rig import REGULAR, SLOW, SPEED, TICK_S, Rig
from tests.support.playbook_world import FakeWorld, entries, text


def played(tmp_path: Path, world: Callable[[FakeWorld], None], heal_at: str | None, *texts: str) -> Rig:
    """One alert, from the trigger to the end; the fault is healed when the run reaches a state."""
    rig = Rig(tmp_path, *texts)
    world(rig.world)

    async def script() -> None:
        assert rig.engine.receive(SLOW).runs
        if heal_at is not None:
            await rig.until_state(heal_at)
            rig.world.age = 0.0

    rig.play(script)
    return rig


def test_from_alert_to_verified_rollback(tmp_path: Path) -> None:
    rig = played(tmp_path, lambda world: None, "held")
    assert rig.states() == [
        "triggered", "executing", "read_back", "executing", "read_back", "verifying", "verified", "held",
        "rolling_back", "undone", "rolling_back", "undone", "closed",
    ]  # fmt: skip
    facts = rig.facts()
    times = [facts.times[name] for name in ("t3", "t4", "t5", "t6", "t7")]
    assert times == sorted(times)
    assert facts.times["t2"] == 1000.0
    assert rig.world.orders == [
        ("draw.release_percent", 25), ("draw.shed_percent", 10),
        ("draw.shed_percent", 0), ("draw.release_percent", 100),
    ]  # fmt: skip
    assert rig.value("drill_playbook_step_state", playbook="slow", lane="live", step="run", state="closed") == 1
    assert rig.value("drill_playbook_step_state", playbook="slow", lane="live", step="run", state="held") == 0
    assert rig.value("drill_playbook_step_state", playbook="slow", lane="live", step="shed", state="undone") == 1
    assert rig.value("drill_playbook_runs_total", playbook="slow", end="closed") == 1
    assert rig.value("drill_playbook_trigger_delay_seconds_count", playbook="slow") == 1


@pytest.mark.parametrize(
    ("world", "heal_at", "end", "words", "changed"),
    [
        pytest.param({"age": None}, None, "refused", "no data", False, id="no data never starts it"),
        pytest.param({"age": 0.5}, None, "refused", "not there", False, id="an alert whose fault is over"),
        pytest.param({"fronts": None}, None, "refused", "precondition", False, id="a precondition without data"),
        pytest.param({"fronts": 0.0}, None, "refused", "precondition", False, id="a precondition that does not hold"),
        pytest.param({"effect": 1.0}, None, "verify_timeout", "20, not <=", True, id="no effect: undone, escalated"),
        pytest.param(
            {"deaf": frozenset(("front-1",))}, None, "read_back_failed", "front-1", True,
            id="a switch that reached one front of two",
        ),
        pytest.param({"away": True}, None, "read_back_failed", "control", False, id="control away"),
        pytest.param({"effect": 1.0}, "verifying", "closed", "healed before", True, id="healed before it was verified"),
    ],
)  # fmt: skip
def test_other_ends(
    tmp_path: Path, world: dict[str, object], heal_at: str | None, end: str, words: str, changed: bool
) -> None:
    def change(fake: FakeWorld) -> None:
        for name, value in world.items():
            setattr(fake, name, value)

    rig = played(tmp_path, change, heal_at)
    facts = rig.facts()
    assert facts.state == end
    assert words in facts.text
    assert rig.world.switches == REGULAR
    assert bool(rig.world.orders) is changed
    assert ("t7" in facts.times) is (end != "refused")


def test_no_data_never_ends_it(tmp_path: Path) -> None:
    rig = Rig(tmp_path)

    async def script() -> None:
        rig.engine.receive(SLOW)
        await rig.until_state("held")
        rig.world.no_data = True
        await lasting(30 / SPEED, "no data for 30 s of the fast clock")
        assert rig.states()[-1] == "held"
        rig.world.no_data, rig.world.age = False, 0.0

    rig.play(script)
    assert rig.states()[-1] == "closed"


def test_what_was_held_back_is_made_good(tmp_path: Path) -> None:
    rig = played(tmp_path, lambda world: None, "held", text(catch_up=", catch_up: 200"))
    assert [value for key, value in rig.world.orders if key == "draw.release_percent"] == [25, 200, 100]
    done = rig.facts().actions["slow-down"]
    assert done.undo_began_s is not None
    assert done.memory.get("catch_up_until_s") is not None
    slow_s, fast_s = done.undo_began_s - done.at_s, done.memory["catch_up_until_s"] - done.undo_began_s
    assert fast_s == pytest.approx(0.75 * slow_s, rel=0.05, abs=2.0)
    assert done.undone_s is not None
    assert done.undone_s >= done.memory["catch_up_until_s"]


def test_a_switch_somebody_else_set_since_is_left_alone(tmp_path: Path) -> None:
    rig = Rig(tmp_path)

    async def script() -> None:
        rig.engine.receive(SLOW)
        await rig.until_state("held")
        rig.world.switches["draw.shed_percent"] = 50
        rig.world.age = 0.0

    rig.play(script)
    assert rig.world.switches == {"draw.release_percent": 100, "draw.shed_percent": 50}
    assert rig.states()[-1] == "closed"


def test_a_switch_somebody_put_back_is_not_driven_on_to_catch_up(tmp_path: Path) -> None:
    rig = Rig(tmp_path, text(catch_up=", catch_up: 200"))

    async def script() -> None:
        rig.engine.receive(SLOW)
        await rig.until_state("held")
        rig.world.switches["draw.release_percent"] = 100
        rig.world.age = 0.0

    rig.play(script)
    assert [value for key, value in rig.world.orders if key == "draw.release_percent"] == [25]
    assert rig.world.switches == REGULAR


def test_a_refused_run_does_not_use_its_alert_up(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.world.age = None

    async def script() -> None:
        rig.engine.receive(SLOW)
        await rig.until_state("refused")
        assert rig.engine.receive(SLOW).later, "it cools down first"
        await lasting(11 / SPEED, "it cools down, 11 s of the fast clock")
        rig.world.age = 5.0
        assert rig.engine.receive(SLOW).runs
        await rig.until_state("held")
        rig.world.age = 0.0

    rig.play(script)
    assert rig.facts().state == "closed"


def test_an_alert_does_not_wait_for_a_person_s_run_that_was_refused(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.world.fronts = 0.0

    async def script() -> None:
        rig.engine.order("slow", "live", "me")
        await rig.until_state("refused")
        rig.world.fronts = 2.0
        assert rig.engine.receive(SLOW).runs
        await rig.until_state("held")
        rig.world.age = 0.0

    rig.play(script)
    assert rig.facts().state == "closed"


def test_undo_none_leaves_the_switch(tmp_path: Path) -> None:
    rig = played(tmp_path, lambda world: None, "held", text(shed_undo="none"))
    assert rig.world.switches == {"draw.release_percent": 100, "draw.shed_percent": 10}
    assert rig.states()[-1] == "closed"


LINES = 13
"""Of the whole run above."""


@pytest.mark.parametrize("behind", range(1, LINES))
def test_killed_behind_any_line_the_next_engine_goes_on(tmp_path: Path, behind: int) -> None:
    rig = played(tmp_path, lambda world: None, "held")
    path = rig.folder / journal.FILE
    lines = path.read_bytes().splitlines(keepends=True)
    assert len(lines) == LINES
    # The last act is the one the line announces: it may have been done or not. Here it was, and its line is torn.
    path.write_bytes(b"".join(lines[:behind]) + lines[behind][:20])
    rig.world = FakeWorld()
    for done in rig.facts().actions.values():
        rig.world.switches[done.detail["key"]] = done.detail["before" if done.undone_s is not None else "to"]
    engine = rig.make()

    async def go_on() -> None:
        async with asyncio.TaskGroup() as group:
            assert len(engine.resume(group)) == 1
            if behind < 9:
                await rig.until_state("held")
            rig.world.age = 0.0

    asyncio.run(go_on())
    assert rig.states()[-1] == "closed"
    assert rig.world.switches == REGULAR
    assert rig.states().count("executing") == 2
    assert rig.facts().actions["slow-down"].detail["before"] == 100


def test_a_changed_playbook_is_undone_by_what_the_journal_says(tmp_path: Path) -> None:
    rig = Rig(tmp_path)

    async def begin() -> None:
        async with asyncio.TaskGroup() as group:
            rig.engine.resume(group)
            rig.engine.receive(SLOW)
            await rig.until_state("held")
            rig.engine.let_go()

    asyncio.run(begin())
    other = rig.make(entries(tmp_path / "others", text().replace("to: 25", "to: 50")))

    async def go_on() -> None:
        async with asyncio.TaskGroup() as group:
            assert other.resume(group)

    asyncio.run(go_on())
    assert rig.facts().state == "changed"
    assert rig.world.switches == REGULAR


def test_one_run_an_episode_and_one_run_a_switch_and_cooldown(tmp_path: Path) -> None:
    rig = Rig(tmp_path, text(), text(id="other", alert="Other"))
    engine = rig.engine

    async def play() -> None:
        async with asyncio.TaskGroup() as group:
            engine.resume(group)
            assert len(engine.receive(SLOW).runs) == 1
            again = engine.receive(SLOW)
            assert (again.runs, again.later) == ((), False)
            other = engine.receive(Alert("Other", "live", 1001.0, "f2@1"))
            assert (other.runs, other.later) == ((), True)
            assert "draw.release_percent" in other.not_now["other"]
            assert engine.order("slow", "live", "me").runs == ()
            assert engine.receive(Alert("Unknown", "live", 1.0, "f3@1")).not_now == {}
            await rig.until_state("held")
            rig.world.age = 0.0
            await rig.until_state("closed")
            assert engine.receive(SLOW).later is False, "the same firing of the alert, behind the run's end"
            soon = engine.receive(Alert("Slow", "live", 1002.0, "f1@2"))
            assert (soon.runs, soon.later) == ((), True)
            assert "cooling" in soon.not_now["slow"]
            await lasting(11 / SPEED, "it cools down, 11 s of the fast clock")
            rig.world.age = 5.0
            assert engine.receive(Alert("Slow", "live", 1002.0, "f1@2")).runs
            rig.world.age = 0.0

    asyncio.run(play())
    assert len(engine.runs) == 2
    # A new engine knows the episodes of the old one.
    assert rig.make().receive(SLOW).not_now == {"slow": "a run of this episode is there"}


def test_a_playbook_of_the_stress_lane_leaves_the_live_lane_as_it_is(tmp_path: Path) -> None:
    """Set, read back, undone in its own lane; and the same playbook may be at work in the other lane meanwhile."""
    rig = Rig(tmp_path)

    async def script() -> None:
        assert rig.engine.receive(Alert("Slow", "stress", 1000.0, "f2@1")).runs
        await rig.until_state("held")
        assert rig.world.stress == {"draw.release_percent": 25, "draw.shed_percent": 10}
        assert rig.world.switches == REGULAR
        assert rig.value("drill_playbook_step_state", playbook="slow", lane="stress", step="run", state="held") == 1
        assert rig.value("drill_playbook_step_state", playbook="slow", lane="live", step="run", state="idle") is None
        assert rig.engine.receive(SLOW).runs, "the other lane's switches are free"
        assert rig.engine.receive(Alert("Slow", "stress", 1001.0, "f2@2")).later, "this lane's are not"
        await rig.until(lambda: rig.states().count("held") == 2, "both held")
        assert rig.world.switches == {"draw.release_percent": 25, "draw.shed_percent": 10}
        rig.world.age = 0.0

    rig.play(script)
    assert (rig.world.switches, rig.world.stress) == (REGULAR, REGULAR)
    assert {facts.state for facts in rig.engine.runs.values()} == {"closed"}


def test_a_run_of_a_time_without_lanes_has_its_switches_in_both(tmp_path: Path) -> None:
    """A journal whose actions name no lane: what they set was set everywhere."""
    rig = Rig(tmp_path)
    done = {"action": "slow-down", "key": "draw.release_percent", "to": 25, "before": 100, "undo": None, "baseline": []}
    facts = PlaybookFacts("gone-1", "gone", lane="live")
    facts.take(journal.Transition(1.0, "gone-1", "gone", "executing", "", done))
    rig.engine.runs["gone-1"] = facts
    for lane in ("live", "stress"):
        answer = rig.engine.receive(Alert("Slow", lane, 1.0, f"{lane}@1"))
        assert answer.not_now == {"slow": "run gone-1 has draw.release_percent"}


def test_by_hand_the_fault_need_not_be_there(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.world.age = 0.0

    async def script() -> None:
        assert rig.engine.order("slow", "live", "me").runs

    rig.play(script)
    assert rig.facts().state == "closed"
    assert {"t4", "t5", "t6", "t7"} <= rig.facts().times.keys()
    assert "t2" not in rig.facts().times


def test_halt_stops_where_it_is_and_resume_lets_begin(tmp_path: Path) -> None:
    rig = Rig(tmp_path)

    async def script() -> None:
        rig.engine.receive(SLOW)
        await rig.until_state("held")
        told = halt(tmp_path)
        assert any("slow" in line for line in told)
        assert any("draw.release_percent (live) stays 25; it was 100" in line for line in told)
        await rig.until_state("halted")
        hindered = rig.engine.receive(Alert("Slow", "live", 1.0, "f9@1"))
        assert (hindered.runs, hindered.later) == ((), True)
        assert rig.engine.order("slow", "live", "me").runs == ()

    rig.play(script)
    assert rig.world.switches == {"draw.release_percent": 25, "draw.shed_percent": 10}
    assert halt(tmp_path) == ["no playbook was at work; none begins from now on"]
    assert halted(tmp_path)
    assert resume(tmp_path)
    assert not resume(tmp_path)
    assert [state for state in rig.states() if state in ("halt", "resume")] == ["halt", "halt", "resume"]


def test_while_a_drill_is_at_work_no_playbook_begins(tmp_path: Path) -> None:
    """Its arm B is the fault alone. A drill that died leaves the seat free."""
    rig = Rig(tmp_path)

    async def script() -> None:
        with seated(tmp_path, "drill credit-cut"):
            answer = rig.engine.receive(SLOW)
            assert "a drill is at work (drill credit-cut, process" in answer.not_now["slow"]
            assert (answer.runs, answer.later) == ((), True)
        assert len(rig.engine.receive(SLOW).runs) == 1
        await rig.until_state("held")
        rig.engine.let_go()

    rig.play(script)


class FullDisk:
    """Stands where the journal's lines go to the disk; takes none while it is full."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.full = False
        self._append = journal.append_line
        monkeypatch.setattr(journal, "append_line", self)

    def __call__(self, path: Path, line: bytes) -> None:
        if self.full:
            raise OSError(errno.ENOSPC, "No space left on device")
        self._append(path, line)


def test_on_a_full_disk_no_run_begins_and_the_next_that_can_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig, disk = Rig(tmp_path), FullDisk(monkeypatch)

    async def script() -> None:
        disk.full = True
        answer = rig.engine.receive(SLOW)
        assert (answer.runs, answer.later) == ((), True), "Alertmanager asks again"
        assert "No space left" in answer.not_now["slow"]
        assert "No space left" in rig.engine.order("slow", "live", "me").not_now["slow"]
        assert "No space left" in rig.engine.broken
        disk.full = False
        rig.engine.settle()
        assert rig.engine.broken == ""
        assert rig.engine.receive(SLOW).runs
        rig.world.age = 0.0

    rig.play(script)
    assert rig.states().count("triggered") == 1


def test_a_disk_that_fills_up_keeps_no_run_from_being_undone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is told meanwhile is written once there is space, in order."""
    rig, disk = Rig(tmp_path), FullDisk(monkeypatch)

    async def script() -> None:
        assert rig.engine.receive(SLOW).runs
        await rig.until_state("held")
        disk.full = True
        rig.world.age = 0.0
        (facts,) = rig.engine.runs.values()
        await rig.until(lambda: facts.over, "undone")
        assert rig.world.switches == REGULAR
        assert "No space left" in rig.engine.broken
        assert rig.states()[-1] == "held"
        disk.full = False
        rig.engine.settle()

    rig.play(script)
    assert rig.states()[-5:] == ["rolling_back", "undone", "rolling_back", "undone", "closed"]
    assert rig.engine.broken == ""


def test_an_act_that_cannot_be_recorded_is_not_done_and_those_before_it_are_undone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig, disk = Rig(tmp_path), FullDisk(monkeypatch)

    def fill() -> None:
        disk.full = True

    rig.world.on_order = fill

    async def script() -> None:
        assert rig.engine.receive(SLOW).runs

    rig.play(script)
    (facts,) = rig.engine.runs.values()
    assert (facts.state, list(facts.actions)) == ("read_back_failed", ["slow-down"])
    assert "shed is not done: the journal cannot be written" in facts.text
    assert rig.world.switches == REGULAR
    assert ("draw.shed_percent", 10) not in rig.world.orders


def test_a_run_that_stumbles_goes_on_and_no_other_notices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a world may raise that nobody thought of: no task of the engine ends by it."""
    rig = Rig(tmp_path)
    monkeypatch.setattr("chaos.playbook.engine.AGAIN_S", TICK_S)
    stumbles = iter([RuntimeError("a bug"), KeyError("another")])

    def stumble() -> None:
        if (exc := next(stumbles, None)) is not None:
            raise exc

    rig.world.on_order = stumble

    async def script() -> None:
        assert rig.engine.receive(SLOW).runs
        await rig.until_state("held")
        rig.world.age = 0.0

    rig.play(script)
    assert rig.facts().state == "closed"
    assert rig.world.switches == REGULAR


def test_other_playbooks_are_taken_up_and_a_run_keeps_the_one_it_began_with(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    slower = entries(tmp_path / "others", text().replace("to: 25", "to: 50"), text(id="other", alert="Other"))

    async def script() -> None:
        assert rig.engine.receive(SLOW).runs
        await rig.until_state("executing")
        rig.engine.take(Library(slower, {}))
        await rig.until_state("held")
        assert rig.world.switches == {"draw.release_percent": 25, "draw.shed_percent": 10}
        assert rig.value("drill_playbook_step_state", playbook="other", lane="live", step="run", state="idle") is None
        answer = rig.engine.receive(Alert("Other", "live", 1001.0, "f2@1"))
        assert "draw.release_percent" in answer.not_now["other"], "what the run has, it has"
        rig.engine.take(Library({}, {}))
        rig.world.age = 0.0

    rig.play(script)
    assert rig.facts().state == "closed", "not `changed`"
    assert rig.world.switches == REGULAR
