"""Whatever ended the fire: open answers are asked for, the round is closed, and what is not known is no failure."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from harness.control_client import ControlAway, ControlClient
from harness.orchestrate import ending
from harness.orchestrate.ending import Ending
from harness.orchestrate.outcome import GONE, Gathered
from harness.run_state import Money, RunState
from harness.verdict import Reason
from plans.models.stress import Drain

FAR = 10**18
DRAIN = Drain(answers="1s", credits="1s", close="1s")  # type: ignore[arg-type]


class Run:
    """A run that was stopped for `why`; keeps what it is told."""

    def __init__(self, why: str | None) -> None:
        self.why, self.told, self.phases = why, [], []  # type: ignore[var-annotated]

    def stopped(self) -> str | None:
        return self.why

    def tell(self, kind: str, text: str) -> None:
        self.told.append((kind, text))

    def phase(self, name: str) -> None:
        self.phases.append(name)


class Control:
    """Takes closes; `end_us` of the one round, `away` for a control that does not answer."""

    def __init__(self, end_us: int = 0, away: bool = False, closes: bool = True) -> None:
        self.end_us, self.away, self.closes = end_us, away, closes
        self.asked: list[bool] = []

    def told_us(self) -> int:
        if self.away:
            raise ControlAway("control does not answer")
        return 1_000

    now_us = told_us

    def ask_close(self, round_id: int, before_end: bool = False) -> None:
        if self.away:
            raise ControlAway("control does not answer")
        self.asked.append(before_end)

    def money(self, round_id: int) -> Any:
        return SimpleNamespace(state="closed" if self.closes else "closing", waiting_for=("front 0",))


def end(
    why: str | None,
    control: Control,
    monkeypatch: pytest.MonkeyPatch,
    open_: list[int],
    evidence: Gathered | None = None,
) -> tuple[Run, Gathered]:
    monkeypatch.setattr(ending, "settle", lambda *_: open_)
    run, got = Run(why), evidence or Gathered()
    state = RunState("run", "smoke", "stress", "1", "", 5.0)
    state.money = Money(backlog_entries=0)
    prepared = SimpleNamespace(round=SimpleNamespace(round=7, end_us=control.end_us), topology=None)
    Ending(
        cast(Any, run), cast(ControlClient, control), state, got, DRAIN, "stress", 5, Path("history"), True
    ).carry_out(cast(Any, prepared))
    return run, got


@pytest.mark.parametrize("why", [None, "stop rule", "interrupted by SIGINT", "killed", "the generator left no account"])
@pytest.mark.parametrize("open_", [[], [3, 9]], ids=["settled", "two open"])
def test_every_end_settles_and_closes(why: str | None, open_: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    control = Control(end_us=0 if why is None else FAR)
    run, got = end(why, control, monkeypatch, open_)
    assert control.asked == [why is not None], "a run that was stopped closes its round before its end"
    assert (got.closed, got.unsettled) == (True, len(open_))
    assert run.phases == ["drain", "closing"]
    found, other = (got.failures, got.no_data) if why is None else (got.no_data, got.failures)
    assert [reason.code for reason in found] == ["unsettled"] * bool(open_)
    assert other == []


@pytest.mark.parametrize("why", [None, "killed"])
def test_a_close_that_does_not_come_is_a_failure_of_a_whole_run_alone(
    why: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, got = end(why, Control(closes=False), monkeypatch, [])
    found = got.failures if why is None else got.no_data
    assert [(reason.code, "front 0" in reason.text) for reason in found] == [("not_closed", True)]


def test_a_step_that_breaks_keeps_no_other_from_being_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    control = Control(away=True)
    run, got = end("killed", control, monkeypatch, [])
    assert got.unsettled == 0, "the answers were asked for, though control is away"
    assert {reason.code for reason in got.invalid} == {"run_broken"}
    assert not got.closed
    assert run.phases == ["drain", "closing"]


def test_of_a_stack_that_is_gone_nothing_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    control = Control()
    _, got = end("gone", control, monkeypatch, [3], Gathered(aborted=Reason(code=GONE, text="gone")))
    assert (control.asked, got.unsettled, got.failures, got.no_data) == ([], None, [], [])
