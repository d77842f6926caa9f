"""`xiu heal`, `kill`, `halt` where something is in the way: every other thing is done all the same."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from chaos import fault_ledger, links
from chaos.errors import NotHealed
from chaos.fault_ledger import FILE, FaultLedgerEntry, Injected, injected
from chaos.faults.toxics import Toxics, ToxicsKind
from chaos.heal import failure, heal, heal_everything
from chaos.playbook import halting
from harness.stack.folder import Folder
from harness.stack.tools import ROOT
from tests.support.children import started
from tests.support.fault_shapes import FakeToxiproxy, stack
from xiu.cli import dispatch, main


def test_a_spoilt_ledger_keeps_no_other_fault_in_force(tmp_path: Path) -> None:
    spoilt, unreadable, mine = (tmp_path / name for name in ("a", "b", "c"))
    for folder in (spoilt, unreadable, mine):
        folder.mkdir()
    (spoilt / FILE).write_text('{}\n{"do": "inject", "key": "x"}\n')
    (unreadable / FILE).mkdir()
    fault_ledger.enter(
        mine, FaultLedgerEntry("N15", "credit-postgres", "toxics", 5.0, 60.0, {"link": "credit-postgres"})
    )
    found = heal_everything(tmp_path)
    done, left = found.lines, found.left
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
    # Each does what it can, and claims nothing of the stack that nobody could ask.
    assert dispatch([word]) == 5
    told = capsys.readouterr()
    assert "not done: s1" in told.err
    assert "no stack runs in" in told.err
    assert "stays refused" not in told.out
    assert "nothing is injected" not in told.out


def test_halt_heals_though_no_journal_can_be_written(
    starting: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(starting)
    gone = starting / "var" / "s0"
    gone.mkdir()
    fault_ledger.enter(
        gone, FaultLedgerEntry("N15", "credit-postgres", "toxics", 5.0, 60.0, {"link": "credit-postgres"})
    )
    (starting / "var" / "s1" / "playbooks.jsonl").mkdir()
    assert dispatch(["halt"]) == 5  # the stack that starts could not be told to refuse
    assert injected(gone) == []
    assert halting.halted(starting / "var" / "s1")
    assert "none goes on; the journal could not be" in capsys.readouterr().out


@pytest.mark.parametrize("word", ["heal", "kill", "halt", "down"])
def test_no_stack_found_is_not_nothing_to_do(
    tmp_path: Path, word: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([word]) == 5
    told = capsys.readouterr()
    assert f"no stack runs under {tmp_path / 'var'}" in told.err
    assert "nothing is injected" not in told.out
    assert not (tmp_path / "var").exists()


def test_what_has_ended_is_looked_at_and_is_no_stack_that_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ended = tmp_path / "s1"
    ended.mkdir()
    (ended / "plan.json").write_text("{}")
    fault_ledger.enter(
        ended, FaultLedgerEntry("N15", "credit-postgres", "toxics", 5.0, 60.0, {"link": "credit-postgres"})
    )
    assert main(["heal", "--var", str(tmp_path)]) == 0
    assert "the stack is gone" in capsys.readouterr().out
    assert main(["heal", "--var", str(tmp_path)]) == 5
    assert "of 1 that have ended nothing is left injected" in capsys.readouterr().err


def test_a_fault_that_breaks_its_healer_keeps_no_other_in_force(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for target in ("credit-postgres", "play-postgres"):
        fault_ledger.enter(tmp_path, FaultLedgerEntry("N15", target, "toxics", 5.0, 60.0, {"link": target}))
    breaks = injected(tmp_path)[1].key
    close = fault_ledger.close

    def broken(folder: Path, key: str, how: str) -> None:
        if key == breaks:
            raise RuntimeError("a bug")
        close(folder, key, how)

    monkeypatch.setattr(fault_ledger, "close", broken)
    with pytest.raises(NotHealed, match="not healed: N15 on play-postgres") as told:
        heal(tmp_path)
    assert "RuntimeError: a bug" in str(told.value)
    assert [one.target for one in injected(tmp_path)] == ["play-postgres"]


def test_healing_needs_no_paper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is taken back and cannot be written down is said, stays in the ledger, and is closed the next time."""
    fault_ledger.enter(
        tmp_path, FaultLedgerEntry("N15", "credit-postgres", "toxics", 5.0, 60.0, {"link": "credit-postgres"})
    )

    def full(path: Path, line: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(fault_ledger, "append_line", full)
        lines = heal(tmp_path)
    assert "the stack is gone" in lines[0]
    assert "not written down (No space left on device)" in lines[1]
    assert len(injected(tmp_path)) == 1
    heal(tmp_path)
    assert injected(tmp_path) == []


HOLDER = """
import os, sys
from pathlib import Path
from chaos import fault_ledger
with fault_ledger.healing(Path(sys.argv[1])):
    print("healing", flush=True)
    input()
"""


@pytest.mark.parametrize("frozen", [True, False], ids=["frozen", "slow"])
def test_another_healer_is_waited_for_but_not_for_ever(tmp_path: Path, frozen: bool) -> None:
    fault_ledger.enter(
        tmp_path, FaultLedgerEntry("N15", "credit-postgres", "toxics", 5.0, 60.0, {"link": "credit-postgres"})
    )
    with started(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT
    ) as other:
        assert other.stdin
        assert other.stdout
        assert other.stdout.readline() == b"healing\n"
        if frozen:
            other.send_signal(signal.SIGSTOP)
        began = time.monotonic()
        lines = heal(tmp_path, patience_s=60.0 if frozen else 0.3)
        assert time.monotonic() - began < 20
        assert ("stands still" if frozen else "for more than 0.3 s") in lines[0]
        assert injected(tmp_path) == []
        other.send_signal(signal.SIGCONT)
        other.communicate(b"\n", 10)


def test_a_kind_that_is_not_known_here_is_not_healed_and_keeps_no_other_in_force(tmp_path: Path) -> None:
    """A ledger of a newer version, or of a kind whose file was taken away."""
    fault_ledger.enter(
        tmp_path, FaultLedgerEntry("N15", "credit-postgres", "toxics", 5.0, 60.0, {"link": "credit-postgres"})
    )
    fault_ledger.enter(tmp_path, FaultLedgerEntry("X1", "host", "rays", 5.0, 60.0, {"any": "thing"}))
    with pytest.raises(NotHealed, match="not healed: X1 on host") as told:
        heal(tmp_path)
    assert "no kind of fault `rays` is known here" in str(told.value)
    assert [one.kind for one in injected(tmp_path)] == ["rays"]


def test_a_failed_rung_is_known_by_its_field_and_not_by_its_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line that quotes a failure is none; the first rung that failed is the tool's fault, though the next held."""

    class Kind:
        flushes = False

        def outlives(self, detail: object) -> bool:
            return True

        def rungs(self, stack: object, detail: object) -> list[tuple[str, object]]:
            def broken() -> None:
                raise OSError("no way")

            return [("first", broken), ("it said failed: once", lambda: None)]

        def undone(self, stack: object, detail: object) -> bool:
            return True

    monkeypatch.setattr("chaos.heal.to_heal", lambda kind, home: Kind())
    fault_ledger.enter(tmp_path, FaultLedgerEntry("X1", "host", "odd", 5.0, 60.0, {}))
    lines = heal(tmp_path)
    assert [line.failed for line in lines] == [True, False]
    assert lines[1].startswith("X1 on host: it said failed: once held")
    assert failure(lines) == "X1 on host: first failed: no way"
    assert failure(lines[1:]) is None


@pytest.fixture
def two_links(starting: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, FakeToxiproxy, list[Injected]]:
    """A fault on each of two links of one toxiproxy; the toxic of the first cannot be removed by itself."""
    folder, server = starting / "var" / "s1", FakeToxiproxy.of("front-valkey", "credit-postgres")
    monkeypatch.setattr(links, "api", lambda stack, part: server)
    there = stack(state=lambda: {"parts": {"toxiproxy": "ready"}})
    monkeypatch.setattr("chaos.heal._attached", lambda folder, outlives: there)
    slow = {"type": "latency", "stream": "downstream", "attributes": {"latency": 50}}
    spec, entered = Toxics.model_validate({"kind": "toxics", "toxics": [slow]}), []
    for fault, link in (("V1", "front-valkey"), ("N15", "credit-postgres")):
        detail = json.loads(json.dumps(ToxicsKind().prepare(there, spec, link)))
        entered.append(fault_ledger.enter(folder, FaultLedgerEntry(fault, link, "toxics", 5.0, 60.0, detail)))
        ToxicsKind().inject(there, detail)
    server.stuck = frozenset({entered[0].detail["toxics"][0]["name"]})
    return folder, server, entered


def test_a_reset_heals_its_own_fault_alone(two_links: tuple[Path, FakeToxiproxy, list[Injected]]) -> None:
    folder, server, (mine, other) = two_links
    before = server.links["credit-postgres"]
    lines = heal(folder, {mine.key})
    assert server.links["front-valkey"].toxics == ()
    assert server.links["credit-postgres"] == before, "somebody else's fault goes on"
    assert "V1 on front-valkey: reset took N15 on credit-postgres with it for a moment; it is back" in lines
    assert [one.key for one in injected(folder)] == [other.key]


def test_a_reset_says_what_else_it_took_where_all_is_healed(
    two_links: tuple[Path, FakeToxiproxy, list[Injected]],
) -> None:
    folder, server, (_, other) = two_links
    server.stuck |= {other.detail["toxics"][0]["name"]}
    lines = heal(folder)
    assert "N15 on credit-postgres: reset took V1 on front-valkey with it, which is to be healed as well" in lines
    assert not any(proxy.toxics for proxy in server.links.values())
    assert injected(folder) == []
