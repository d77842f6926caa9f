"""`xiu heal`, `kill`, `halt` where something is in the way: every other thing is done all the same."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from chaos import fault_ledger
from chaos.fault_ledger import FILE, Entry, injected
from chaos.heal import heal_everything
from harness.cli import dispatch
from harness.stack.folder import Folder


def test_a_spoilt_ledger_keeps_no_other_fault_in_force(tmp_path: Path) -> None:
    spoilt, unreadable, mine = (tmp_path / name for name in ("a", "b", "c"))
    for folder in (spoilt, unreadable, mine):
        folder.mkdir()
    (spoilt / FILE).write_text('{}\n{"do": "inject", "key": "x"}\n')
    (unreadable / FILE).mkdir()
    fault_ledger.enter(mine, Entry("N15", "credit-postgres", "toxics", 5.0, 60.0, {"link": "credit-postgres"}))
    done, left = heal_everything(tmp_path)
    assert injected(mine) == []
    assert [line for line in done if "cannot be read" in line and "/a/faults.jsonl:2" in line]
    assert len(left) == 1
    assert "Is a directory" in left[0]


@pytest.fixture
def starting(tmp_path: Path) -> Iterator[Path]:
    """A stack that is just starting, or stopping: its folder is taken, and nobody answers there."""
    folder = Folder(tmp_path / "var" / "s1")
    folder.make()
    descriptor = folder.lock()
    assert descriptor is not None
    try:
        yield tmp_path
    finally:
        os.close(descriptor)


@pytest.mark.parametrize("word", ["heal", "kill", "halt"])
def test_a_stack_that_is_just_starting_keeps_no_button_from_working(
    starting: Path, word: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(starting)
    assert dispatch([word]) == 0
    told = capsys.readouterr()
    assert "no stack runs in" in told.out + told.err


def test_halt_heals_though_no_journal_can_be_written(
    starting: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(starting)
    gone = starting / "var" / "s0"
    gone.mkdir()
    fault_ledger.enter(gone, Entry("N15", "credit-postgres", "toxics", 5.0, 60.0, {"link": "credit-postgres"}))
    (starting / "var" / "s1" / "playbooks.jsonl").mkdir()
    assert dispatch(["halt"]) == 1
    assert injected(gone) == []
    assert "playbooks may go on" in capsys.readouterr().out
