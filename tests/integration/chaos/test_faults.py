"""Each fault on a real stack: its effect is seen, it is healed, the healing is seen; the ladder when the tool fails."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from chaos import fault_ledger, links
from chaos.disturbance import LEAVE_OUT
from chaos.errors import External
from chaos.facts import Timed
from chaos.fault_ledger import FaultLedgerEntry, injected
from chaos.faults import kinds, refuse_theirs
from chaos.heal import heal, heal_everything, heal_strays, strays
from chaos.library import fault as fault_file
from chaos.nemesis import FaultNemesis
from chaos.toxiproxy import ToxicState
from chaos.watchdog import Watchdog
from harness.stack import Stack, new_folder, stores_of
from harness.stack.folder import Folder
from tests.support.disturbed import FAULTS, OWNER, ROOT, disturb, logs, toxics
from tests.support.stores import wait_until


@pytest.mark.parametrize(
    ("fault", "target"),
    [
        pytest.param("N15", "credit-postgres", id="a link cut"),
        pytest.param("N1", "front-valkey", id="Valkey slow"),
        pytest.param("N2", "front-valkey", id="Valkey with jitter"),
        pytest.param("N5", "front-valkey", id="requests lost"),
        pytest.param("N6", "front-valkey", id="answers lost"),
        pytest.param("N12", "front-valkey", id="all in pieces"),
        pytest.param("P1", "front-0", id="the front killed"),
    ],
)
def test_a_fault_is_seen_and_healed(stack: Stack, fault: str, target: str) -> None:
    nemesis, facts, told = disturb(stack, fault, target)
    assert nemesis.verdict == "PASS", facts
    assert [kind for kind, _ in told] == ["fault_injected", "effect_seen", "healed", "heal_seen", "backlog_drained"]
    assert None not in (facts.injected_s, facts.effect_s, facts.healed_s, facts.heal_seen_s)
    assert facts.drained_s is not None
    assert injected(stack.folder.path) == []
    assert toxics(stack) == []
    assert len(facts.rungs) == 1


VERY_SLOW = FAULTS["N1"].model_dump(mode="json") | {
    "id": "N92", "expires": "60s",
    "effect_probe": {"kind": "round_trip_rises", "share": 0.8, "within": "3s"},
    "heal_probe": {"kind": "link_answers", "within": "5s"},
    "inject": {"kind": "toxics", "toxics": [
        {"type": "latency", "stream": "downstream", "attributes": {"latency": 4_000}},
    ]},
}  # fmt: skip
"""Slower than a link without any fault is on a machine that stands still for a second."""


@pytest.mark.parametrize(("name", "target"), [("N15", "credit-postgres"), ("N92", "front-valkey"), ("P1", "front-0")])
def test_left_out_it_is_not_effective(stack: Stack, name: str, target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FAULTS, "N92", fault_file().model_validate(VERY_SLOW))
    monkeypatch.setenv(LEAVE_OUT, "1")
    nemesis, facts, _ = disturb(stack, name, target)
    assert (nemesis.verdict, facts.effect_s) == ("FAULT_NOT_EFFECTIVE", None)
    assert [reason.code for reason in nemesis.end().invalid] == ["fault_not_effective"]


def test_a_run_that_ends_before_the_fault_s_second_is_judged_for_its_own_end(stack: Stack) -> None:
    nemesis = FaultNemesis(stack.folder.path, Timed(FAULTS["N15"], "credit-postgres", 60.0, 5.0))
    nemesis.begin(lambda kind, text: None, lambda: 0.0)
    report = nemesis.end()
    assert (report.invalid, report.failures, nemesis.verdict) == ((), (), "FAULT_NOT_EFFECTIVE")


def test_nothing_to_lose_is_no_steady_state(stack: Stack) -> None:
    nemesis, facts, told = disturb(stack, "V13", "valkey")
    assert nemesis.verdict == "UNKNOWN"
    assert "no stream of wins" in facts.not_steady
    assert told == []


def test_a_hung_control_api_is_a_harness_fault_and_the_ladder_heals(stack: Stack) -> None:
    old = stack.pid("toxiproxy")
    nemesis, facts, _ = disturb(
        stack, "N15", "credit-postgres", 1.5, lambda: os.kill(stack.pid("toxiproxy"), signal.SIGSTOP)
    )
    assert nemesis.verdict == "HARNESS_FAULT"
    assert [line.split(": ", 1)[1].split(" failed")[0].split(" held")[0] for line in facts.rungs] == [
        "remove", "reset", "toggle", "kill, restart, repopulate",
    ]  # fmt: skip
    assert facts.heal_seen_s is not None
    assert stack.pid("toxiproxy") != old
    assert injected(stack.folder.path) == []
    assert toxics(stack) == []


def test_a_dead_control_api_is_a_harness_fault_and_the_ladder_heals(stack: Stack) -> None:
    def kill() -> None:
        stack.suspend_restart("toxiproxy")
        stack.kill("toxiproxy")

    nemesis, facts, _ = disturb(stack, "N15", "credit-postgres", 1.5, kill)
    assert nemesis.verdict == "HARNESS_FAULT"
    assert "kill, restart, repopulate held" in facts.rungs[-1]
    assert facts.heal_seen_s is not None
    assert toxics(stack) == []


def test_a_toxiproxy_that_dies_takes_the_fault_with_it_which_is_told(stack: Stack) -> None:
    nemesis, facts, _ = disturb(stack, "N15", "credit-postgres", 2.0, lambda: stack.kill("toxiproxy") and None)
    assert nemesis.verdict == "HARNESS_FAULT"
    assert facts.harness_fault
    assert injected(stack.folder.path) == []


def test_what_no_ledger_knows_is_found_and_taken_away(stack: Stack) -> None:
    links.api(stack).add("play-postgres", ToxicState("by-hand", "latency", "downstream", 1.0, {"latency": 1}))
    assert strays(stack) == ["play-postgres: by-hand"]
    nemesis, facts, _ = disturb(stack, "N15", "credit-postgres")
    assert nemesis.verdict == "PASS", facts
    assert "by-hand" in heal_strays(stack)[0]
    assert toxics(stack) == []


def test_a_hung_toxiproxy_is_started_anew_though_nothing_is_injected(stack: Stack) -> None:
    old = stack.pid("toxiproxy")
    os.kill(old, signal.SIGSTOP)
    found = heal_everything(stack.folder.path.parent)
    done = found.lines
    assert found.left == []
    assert [line for line in done if "killed, restarted, repopulated" in line]
    assert stack.pid("toxiproxy") != old


def test_with_only_stores_running_the_faults_of_other_parts_are_gone(tmp_path: Path) -> None:
    """What was injected ended with its stack; that somebody looks into its stores does not bring it back."""
    with Stack(new_folder(tmp_path / "var"), with_prometheus=False) as whole:
        folder = whole.folder.path
        way = kinds()["signal"]
        for entry in (
            FaultLedgerEntry("P1", "front-0", "signal", 5.0, 60.0, way.prepare(whole, FAULTS["P1"].inject, "front-0")),
            FaultLedgerEntry("N15", "credit-postgres", "toxics", 5.0, 60.0, {"link": "credit-postgres", "toxics": []}),
        ):
            fault_ledger.enter(folder, entry)
    with stores_of(folder, private=True):
        assert all("part is gone" in line for line in heal(folder))
    assert injected(folder) == []


def test_a_watchdog_that_died_lets_nothing_be_injected(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    def dead(self: Watchdog) -> bool:
        self._process.kill()
        self._process.wait(60)
        return lives(self)

    lives = Watchdog.lives
    monkeypatch.setattr(Watchdog, "lives", dead)
    nemesis, facts, _ = disturb(stack, "N15", "credit-postgres")
    assert nemesis.verdict == "HARNESS_FAULT"
    assert "watchdog has died" in facts.harness_fault
    assert (injected(stack.folder.path), toxics(stack), facts.injected_s) == ([], [], None)


def test_a_ledger_that_cannot_be_written_is_a_harness_fault(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(folder: Path, entry: FaultLedgerEntry) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(fault_ledger, "enter", full)
    nemesis, facts, _ = disturb(stack, "N15", "credit-postgres")
    assert nemesis.verdict == "HARNESS_FAULT"
    assert "No space left" in facts.harness_fault
    assert toxics(stack) == []


def test_a_link_that_is_not_clean_is_not_disturbed_further(stack: Stack) -> None:
    links.api(stack).add("credit-postgres", ToxicState("by-hand", "latency", "downstream", 1.0, {"latency": 1}))
    nemesis, facts, _ = disturb(stack, "N15", "credit-postgres")
    heal_strays(stack)
    assert nemesis.verdict == "HARNESS_FAULT"
    assert "by-hand" in facts.harness_fault
    assert facts.injected_s is None


@pytest.mark.parametrize("hung", [False, True], ids=["toxiproxy well", "toxiproxy hung as well"])
def test_ten_seconds_after_its_drill_is_killed_nothing_is_injected(stack: Stack, hung: bool) -> None:
    folder = stack.folder.path
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(folder)], env={**os.environ, "PYTHONPATH": str(ROOT)}, start_new_session=True
    )
    wait_until(lambda: bool(injected(folder)) and len(toxics(stack)) == 2, 20, "the injection")
    if hung:
        os.kill(stack.pid("toxiproxy"), signal.SIGSTOP)
    os.killpg(owner.pid, signal.SIGKILL)
    owner.wait(60)
    killed = time.monotonic()
    wait_until(lambda: injected(folder) == [], 10, "the watchdog's heal")
    assert toxics(stack) == []
    assert time.monotonic() - killed < 10
    wait_until(lambda: "N15 on credit-postgres" in logs(folder), 20, "the line in its log, written after the heal")


def test_the_watchdog_heals_what_lasts_longer_than_it_may(stack: Stack) -> None:
    folder, way = stack.folder.path, kinds()["toxics"]
    watchdog = Watchdog(folder)
    try:
        detail = way.prepare(stack, FAULTS["N1"].inject, "front-valkey")
        way.inject(stack, detail)  # first: half a second behind the entry it is healed, injected or not
        mine = fault_ledger.enter(folder, FaultLedgerEntry("N1", "front-valkey", "toxics", 60.0, 0.5, detail))
        wait_until(lambda: injected(folder) == [], 20, "the watchdog's heal")
        assert mine.owner_lives()
        assert toxics(stack) == []
    finally:
        watchdog.end()


def test_faults_are_healed_in_reverse_order(stack: Stack) -> None:
    folder, way = stack.folder.path, kinds()["toxics"]
    for fault, target in (("N1", "front-valkey"), ("N1", "credit-valkey")):
        detail = way.prepare(stack, FAULTS[fault].inject, target)
        fault_ledger.enter(folder, FaultLedgerEntry(fault, target, "toxics", 60.0, 60.0, detail))
        way.inject(stack, detail)
    assert [line.split(":")[0] for line in heal(folder)] == ["N1 on credit-valkey", "N1 on front-valkey"]
    assert heal(folder) == []
    assert toxics(stack) == []


def test_with_its_stack_gone_a_fault_is_gone(tmp_path: Path) -> None:
    Folder(tmp_path).make()
    fault_ledger.enter(
        tmp_path, FaultLedgerEntry("N1", "front-valkey", "toxics", 60.0, 60.0, {"link": "x", "toxics": []})
    )
    assert "the stack is gone" in heal(tmp_path)[0]
    assert injected(tmp_path) == []


@pytest.mark.parametrize(
    ("fault", "target", "theirs"),
    [("V13", "valkey", "valkey"), ("N15", "credit-postgres", "toxiproxy"), ("P1", "front-0", "front-0")],
)
def test_the_last_gate_refuses_what_is_somebody_s(fault: str, target: str, theirs: str) -> None:
    url = f"{theirs}://somebody:1"
    with pytest.raises(External, match="belongs to somebody"):
        refuse_theirs(FAULTS[fault], target, {theirs: url}, None)
    with pytest.raises(External):
        refuse_theirs(FAULTS[fault], target, {theirs: url}, url + "2")
    refuse_theirs(FAULTS[fault], target, {theirs: url}, url)
    refuse_theirs(FAULTS[fault], target, {"prometheus": url}, None)
