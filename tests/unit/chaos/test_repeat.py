"""A drill many times: one stack, one verdict each, arm A once; what a fault requires and a stack lacks is SKIPPED."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from chaos import drill, repeat
from chaos.drill import DrillOrder, DrillResult
from chaos.faults import lacking
from chaos.library import load_faults
from harness.errors import EnvironmentNotReady
from harness.runs.record import RunRecord
from harness.stack import Directory, Stack
from plans.models import find_drill, load_drill
from system.contract.places import system
from xiu import cli
from xiu.commands import _trials


def order(name: str, tmp_path: Path) -> DrillOrder:
    return DrillOrder(load_drill(find_drill(name), load_faults()), tmp_path / "runs", var=tmp_path / "var")


class Row:
    """Stands for what carries one drill out; `verdicts` are what comes."""

    def __init__(self, verdicts: list[str]) -> None:
        self.verdicts, self.orders, self.stacks = verdicts, [], 0  # type: ignore[var-annotated]

    def run(self, given: DrillOrder) -> DrillResult:
        self.orders.append(given)
        verdict = self.verdicts[len(self.orders) - 1]
        steady = cast(RunRecord, f"arm A of {len(self.orders)}") if verdict != "UNKNOWN" else None
        return DrillResult("flush", "V13", "valkey", verdict, baseline=steady)

    @contextmanager
    def stack(self, _: DrillOrder) -> Iterator[Any]:
        self.stacks += 1
        yield SimpleNamespace(folder=SimpleNamespace(path=Path("the stack")))


@pytest.mark.parametrize(
    ("verdicts", "count", "played", "stacks"),
    [
        pytest.param(["PASS"], 1, 1, 0, id="once: as ever"),
        pytest.param(["PASS", "FAIL", "PASS"], 3, 3, 1, id="a failure ends no row"),
        pytest.param(["PASS", "ABORTED", "PASS"], 3, 2, 1, id="an interruption does"),
    ],
)
def test_a_row(
    verdicts: list[str], count: int, played: int, stacks: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = Row(verdicts)
    monkeypatch.setattr(repeat, "run_drill", row.run)
    monkeypatch.setattr(repeat, "stack_of", row.stack)
    found = list(repeat.repeated(order("flush", tmp_path), count))
    assert [result.verdict for result in found] == verdicts[:played]
    assert row.stacks == stacks
    if count > 1:
        assert {given.stack for given in row.orders} == {Path("the stack")}
        assert [given.baseline for given in row.orders] == [None, *["arm A of 1"] * (played - 1)]


def test_one_that_cannot_be_carried_out_costs_the_others_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row, given = Row(["PASS", "", "PASS"]), order("flush", tmp_path)

    def run(one: DrillOrder) -> DrillResult:
        if len(row.orders) == 1:
            row.orders.append(one)
            raise EnvironmentNotReady("another drill is at work")
        return row.run(one)

    monkeypatch.setattr(repeat, "run_drill", run)
    monkeypatch.setattr(repeat, "stack_of", row.stack)
    found = list(repeat.repeated(given, 3))
    assert [result.verdict for result in found] == ["PASS", "HARNESS_FAULT", "PASS"]
    assert found[1].reasons[0].text == "another drill is at work"


def test_arm_a_is_played_again_until_it_is_steady(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    row = Row(["UNKNOWN", "PASS", "PASS"])
    monkeypatch.setattr(repeat, "run_drill", row.run)
    monkeypatch.setattr(repeat, "stack_of", row.stack)
    list(repeat.repeated(order("flush", tmp_path), 3))
    assert [given.baseline for given in row.orders] == [None, None, "arm A of 2"]


def test_what_a_fault_requires_and_a_stack_lacks_is_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def bare(toxiproxy: str | None) -> Stack:
        at = SimpleNamespace(toxiproxy_url=toxiproxy)
        return cast(Stack, SimpleNamespace(addresses=at, folder=SimpleNamespace(path=tmp_path)))

    given = order("credit-cut", tmp_path)
    assert given.loaded.fault is not None
    assert lacking(given.loaded.fault, "credit-postgres", bare("http://127.0.0.1:8474")) is None

    @contextmanager
    def stack_of(_: DrillOrder) -> Iterator[Stack]:
        yield bare(None)

    monkeypatch.setattr(drill, "stack_of", stack_of)
    result = drill.run_drill(given)
    assert (result.verdict, result.exit_code) == ("SKIPPED", 5)
    assert result.reasons[0].text == "requires: N15 requires toxiproxy, which this stack has not"


@pytest.mark.usefixtures("no_look")
def test_resume_is_for_kill_trials_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(["drill", "run", "flush", "--resume", "trials.jsonl"]) == 2
    assert "--resume with flush; expected kill trials (kill9) alone" in capsys.readouterr().err
    assert not (tmp_path / "var").exists()


@pytest.mark.usefixtures("no_look")
@pytest.mark.parametrize(("words", "kills"), [((), 30), (("--short",), 15), (("--short", "--count", "7"), 7)])
def test_short_kill_trials_are_half_as_many(
    words: tuple[str, ...],
    kills: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    @contextmanager
    def stack(*_: object) -> Iterator[Any]:
        yield SimpleNamespace(places=Directory(system()), folder=SimpleNamespace(path=tmp_path))

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(_trials, "_stack", stack)
    monkeypatch.setattr(_trials, "part_ready", lambda *_: True)
    assert cli.main(["drill", "run", "kill9", "--dry-run", *words]) == 0
    assert f"would kill {kills} times" in capsys.readouterr().out
