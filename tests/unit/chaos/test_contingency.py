"""A playbook's journal that cannot be read: the heal and the record do not wait for it, and nobody is blamed."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from chaos.contingency import CLOSES_S, Contingency, promised_s
from chaos.facts import Timed
from chaos.library import load_faults
from chaos.playbook import halting, journal
from harness.orchestrate.hooks import NemesisReport
from harness.stack.folder import Folder


def contingency(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Contingency:
    timed = Timed(load_faults()["N15"], "credit-postgres", 4.0, 8.0, alert="CreditStalled")
    made = Contingency(folder, timed, "credit-stalled")
    monkeypatch.setattr(made.fault, "end", NemesisReport)
    made._engine = True
    return made


def test_a_journal_that_cannot_be_read_is_the_harness_s_trouble_and_no_playbook_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / journal.FILE).mkdir()
    one = contingency(tmp_path, monkeypatch)
    one._thread.start()
    report = one.end()
    assert not one._thread.is_alive()
    assert [reason.code for reason in report.invalid] == ["harness_fault"]
    assert "journal cannot be read" in report.invalid[0].text
    assert report.failures == report.playbooks == ()


def test_a_playbook_that_never_begins_is_waited_for_as_long_as_an_alert_may_take(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Folder, "locked", True)
    monkeypatch.setattr("chaos.contingency.BEGINS_S", 0.3 - promised_s("CreditStalled"))
    one = contingency(tmp_path, monkeypatch)
    one.fault.facts.injected_s, one.fault.facts.effect_s = 4.0, 4.1
    one._thread.start()
    began = time.monotonic()
    report = one.end()
    assert 0.3 < time.monotonic() - began < CLOSES_S / 2
    assert {reason.code for reason in report.failures} == {"alert_missing", "not_triggered"}


def test_a_journal_that_is_not_there_yet_is_an_empty_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = contingency(tmp_path, monkeypatch)
    one._thread.start()
    assert one.end() == NemesisReport()


def test_playbooks_that_were_stopped_by_hand_are_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Folder(tmp_path)
    folder.make()
    held = folder.lock()
    assert held is not None
    one = contingency(tmp_path, monkeypatch)
    one.fault.facts.injected_s = 1.0
    halting.halt(tmp_path)
    began = time.monotonic()
    one._thread.start()
    try:
        one.end()
    finally:
        os.close(held)
    assert time.monotonic() - began < 20, "less than a playbook may take"
