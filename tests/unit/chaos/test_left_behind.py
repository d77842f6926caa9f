"""What a fault leaves when its run breaks: a watchdog that stays, a next drill that heals before it waits."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from chaos import drill, fault_ledger
from chaos.facts import Timed
from chaos.fault_ledger import FILE, FaultLedgerEntry, injected
from chaos.library import load_faults
from chaos.nemesis import FaultNemesis
from chaos.watchdog import Watch

CUT = FaultLedgerEntry("N15", "credit-postgres", "toxics", 5.0, 60.0, {"link": "credit-postgres", "toxics": []})


class Dog:
    """A watchdog that remembers whether it was ended."""

    ended = False

    def end(self) -> None:
        self.ended = True


@pytest.mark.parametrize(
    ("entered", "healed", "closed", "ends"),
    [
        pytest.param(False, False, False, True, id="nothing was injected"),
        pytest.param(True, True, True, True, id="healed and written down"),
        pytest.param(True, False, False, False, id="the thread broke before it healed"),
        pytest.param(True, True, False, False, id="healed, and the ledger could not be told"),
        pytest.param(True, False, True, False, id="the ledger says so, and nobody saw it"),
    ],
)
def test_the_watchdog_ends_only_when_the_fault_is_healed(
    tmp_path: Path, entered: bool, healed: bool, closed: bool, ends: bool
) -> None:
    nemesis = FaultNemesis(tmp_path, Timed(load_faults()["N15"], "credit-postgres", 0.0, 5.0))
    dog = nemesis._run.watchdog = cast("Any", Dog())
    if entered:
        nemesis.faults[0].mine = fault_ledger.enter(tmp_path, CUT)
        nemesis.facts.injected_s = 0.0
    if healed:
        nemesis.facts.healed_s = 1.0
    if closed and nemesis.faults[0].mine:
        fault_ledger.close(tmp_path, nemesis.faults[0].mine.key, "remove")
    nemesis.end()
    assert dog.ended is ends


def test_a_ledger_that_cannot_be_read_keeps_the_watchdog(tmp_path: Path) -> None:
    nemesis = FaultNemesis(tmp_path, Timed(load_faults()["N15"], "credit-postgres", 0.0, 5.0))
    dog = nemesis._run.watchdog = cast("Any", Dog())
    nemesis.faults[0].mine, nemesis.facts.healed_s = fault_ledger.enter(tmp_path, CUT), 1.0
    (tmp_path / FILE).unlink()
    (tmp_path / FILE).mkdir()
    nemesis.end()
    assert not dog.ended


def test_who_cannot_be_told_breaks_no_fault(tmp_path: Path) -> None:
    def full(kind: str, text: str) -> None:
        raise OSError(28, "No space left on device")

    nemesis = FaultNemesis(tmp_path / "none", Timed(load_faults()["N15"], "credit-postgres", 0.0, 5.0))
    nemesis.begin(full, lambda: 0.0)
    nemesis.wait(20)
    assert nemesis.end().invalid


def test_a_drill_heals_what_is_left_before_it_waits_for_the_playbook_that_waits_for_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = fault_ledger.enter(tmp_path, CUT)
    (tmp_path / FILE).write_text((tmp_path / FILE).read_text().replace(f'"owner_pid": {os.getpid()}', '"owner_pid": 1'))
    assert not injected(tmp_path)[0].owner_lives()
    seen: list[int] = []
    monkeypatch.setattr(drill, "_wait_for_playbooks", lambda folder: seen.append(len(injected(folder))))
    monkeypatch.setattr(drill, "strays", lambda stack: [])
    result = drill.DrillResult("credit-cut", "N15", "credit-postgres")
    drill._clean(cast("Any", SimpleNamespace(folder=SimpleNamespace(path=tmp_path))), result)
    assert seen == [0]
    assert left.fault in result.notes[0]


def test_a_watch_that_breaks_looks_again_and_one_that_cannot_heal_slows_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[set[str]] = []

    def vain(folder: Path, keys: set[str]) -> list[str]:
        tries.append(keys)
        raise fault_ledger_error

    from chaos import watchdog
    from chaos.errors import NotHealed

    fault_ledger_error = NotHealed("still there")
    clock = [0.0]
    monkeypatch.setattr(watchdog, "heal", vain)
    monkeypatch.setattr(watchdog.time, "monotonic", lambda: clock[0])
    mine = fault_ledger.enter(tmp_path, FaultLedgerEntry("N15", "credit-postgres", "toxics", 0.0, -1.0, {}))
    watching = Watch(tmp_path, None)
    for _ in range(400):
        assert watching.look() is None
        clock[0] += watchdog.POLL_S
    assert tries[0] == {mine.key}
    assert 5 < len(tries) < 20, "80 s of a fault that does not heal"
