"""Whether a fault is there is measured all the while; and whoever dies, the stack takes back what is too old."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from chaos import fault_ledger, links
from chaos.fault_ledger import FaultLedgerEntry, injected
from chaos.faults import kinds
from chaos.library import fault
from harness.stack import Stack
from tests.support.disturbed import FAULTS, OWNER, ROOT, disturb, toxics
from tests.support.stores import wait_until


def test_a_link_that_somebody_mends_is_told_with_the_time_it_was_cut(stack: Stack) -> None:
    nemesis, facts, told = disturb(stack, "N15", "credit-postgres", 8.0, lambda: links.api(stack).reset())
    assert nemesis.verdict == "HARNESS_FAULT"
    assert "of 8 s, before it was healed" in facts.harness_fault
    assert facts.in_force_s is not None
    assert facts.in_force_s < 4
    assert nemesis.end().windows[0][1] < 6, "the window is what was measured, not what was meant"
    assert "backlog_drained" in [kind for kind, _ in told]


def test_a_toxic_that_somebody_made_harmless_is_not_in_force(stack: Stack) -> None:
    way = kinds()["toxics"]
    detail = way.prepare(stack, FAULTS["N1"].inject, "front-valkey")
    way.inject(stack, detail)
    try:
        assert way.in_force(stack, detail)
        (toxic,) = links.toxics_of(detail)
        links.api(stack).update("front-valkey", type(toxic)(**{**detail["toxics"][0], "attributes": {"latency": 0}}))
        assert not way.in_force(stack, detail)
    finally:
        way.undo(stack, detail)


@pytest.mark.parametrize("part", ["postgres", "front-0"])
def test_a_kill_that_is_made_good_at_once_excuses_no_more_than_its_moment(stack: Stack, part: str) -> None:
    nemesis, facts, _ = disturb(stack, "P1", part, 8.0)
    assert nemesis.verdict == "PASS", facts
    assert facts.momentary
    assert facts.heal_began_s is not None
    assert facts.heal_began_s < 4
    assert facts.in_force_s is not None
    assert facts.in_force_s < 7
    report = nemesis.end()
    assert report.windows[0][1] < 7.5
    assert report.drills[0]["in_force_s"] == facts.in_force_s


FROZEN = FAULTS["P1"].model_dump(mode="json") | {
    "id": "P9", "inject": {"kind": "signal", "signal": "STOP"},
    "effect_probe": {"kind": "process_frozen", "within": "2s"},
    "heal": {"kind": "continue"}, "expires": "60s", "heal_probe": {"kind": "part_ready", "within": "10s"},
}  # fmt: skip


def test_a_frozen_part_that_somebody_wakes_is_told(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FAULTS, "P9", fault().model_validate(FROZEN))
    pid = stack.pid("play")
    nemesis, facts, _ = disturb(stack, "P9", "play", 8.0, lambda: os.kill(pid, signal.SIGCONT))
    assert nemesis.verdict == "HARNESS_FAULT", facts
    assert "before it was healed" in facts.harness_fault
    assert facts.over_s is not None
    assert facts.over_s < 6


def test_a_part_that_stays_down_is_in_force_while_it_is_down(stack: Stack) -> None:
    killed = fault().model_validate(FROZEN | {
        "inject": {"kind": "signal", "signal": "KILL", "stays_down": True}, "heal": {"kind": "restart"},
        "effect_probe": {"kind": "process_gone", "within": "2s"},
    })  # fmt: skip
    way = kinds()["signal"]
    detail = way.prepare(stack, killed.inject, "play")
    assert not way.momentary(detail)
    way.inject(stack, detail)
    try:
        wait_until(lambda: way.in_force(stack, detail), 10, "down")
        stack.restart("play")
        assert not way.in_force(stack, detail)
    finally:
        way.undo(stack, detail)


def test_drill_and_watchdog_killed_the_stack_heals(stack: Stack) -> None:
    folder = stack.folder.path
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(folder)], env={**os.environ, "PYTHONPATH": str(ROOT)}, start_new_session=True
    )
    wait_until(lambda: bool(injected(folder)) and len(toxics(stack)) == 2, 20, "the injection")
    its_own = [child for child in psutil.Process(owner.pid).children() if "chaos.watchdog" in child.cmdline()]
    assert len(its_own) == 1
    its_own[0].kill()
    os.killpg(owner.pid, signal.SIGKILL)
    owner.wait()
    killed = time.monotonic()
    wait_until(lambda: injected(folder) == [], 10, "the stack's own watchdog")
    assert toxics(stack) == []
    assert time.monotonic() - killed < 10


def test_a_fault_whose_drill_lives_on_is_healed_when_it_expires(stack: Stack) -> None:
    way, folder = kinds()["toxics"], stack.folder.path
    old = stack.kill("watchdog")  # one that dies is back
    wait_until(lambda: stack.pids().get("watchdog", old) != old, 20, "a watchdog again")
    detail = way.prepare(stack, FAULTS["N1"].inject, "front-valkey")
    way.inject(stack, detail)  # first: half a second behind the entry it is healed, injected or not
    mine = fault_ledger.enter(folder, FaultLedgerEntry("N1", "front-valkey", "toxics", 60.0, 0.5, detail))
    wait_until(lambda: injected(folder) == [], 20, "the stack's watchdog")
    assert mine.owner_lives()
    assert toxics(stack) == []
