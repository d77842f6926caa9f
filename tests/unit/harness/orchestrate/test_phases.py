"""Whatever ended the fire: open answers are asked for, the round is closed, and what is not known is no failure."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from harness.control_client import ControlAway, ControlClient
from harness.orchestrate import phases
from harness.orchestrate.account import GONE, RoundAccount, RunAccount
from harness.orchestrate.phases import Armed, Close, Fired, Settle, Stage
from harness.orchestrate.phases import settle as settle_phase
from harness.runs.state import MoneySample, RunState
from harness.verdict import Reason
from plans.models.stress import DrainLimits
from tests.support.listening_run import Run

FAR = 10**18
DRAIN = DrainLimits(answers="1s", credits="1s", close="1s")  # type: ignore[arg-type]


class Control:
    """Takes closes; `end_us` of the one round, `away`: so many questions get no answer, `broken`: nor do histories."""

    def __init__(self, end_us: int = 0, away: int = 0, closes: bool = True, broken: bool = False) -> None:
        self.end_us, self.away, self.closes, self.broken = end_us, away, closes, broken
        self.asked: list[bool] = []
        self.rounds: list[int] = []

    def clock_us(self) -> int:
        self.answer()
        return 1_000

    now_us = clock_us

    def answer(self) -> None:
        if self.away:
            self.away -= 1
            raise ControlAway("control does not answer")

    def settled(self, open_: list[int]) -> list[int]:
        if self.broken:
            raise ValueError("a history that cannot be read")
        return open_

    def ask_close(self, round_id: int, before_end: bool = False) -> None:
        self.answer()
        self.asked.append(before_end)
        self.rounds.append(round_id)

    def money(self, round_id: int) -> Any:
        return SimpleNamespace(state="closed" if self.closes else "closing", waiting_for=("front 0",))


def end(
    why: str | None,
    control: Control,
    monkeypatch: pytest.MonkeyPatch,
    open_: list[int],
    evidence: RunAccount | None = None,
    rounds: tuple[int, ...] = (7,),
) -> tuple[Run, RunAccount]:
    """Whatever ended the fire: Drain, Settle, Close."""
    monkeypatch.setattr(settle_phase, "settle", lambda *_: control.settled(open_))
    run, got = Run(why), evidence or RunAccount()
    state = RunState("run", "smoke", "stress", "1", "", 5.0)
    state.money = MoneySample(backlog_entries=0)
    prepared = SimpleNamespace(round=SimpleNamespace(round=7, end_us=control.end_us), topology=None, round_ids=rounds)
    order = SimpleNamespace(lane="stress", seed=5, loaded=SimpleNamespace(plan=SimpleNamespace(drain=DRAIN)))
    system = SimpleNamespace(addresses=SimpleNamespace(credit_metrics_urls={"stress": "http://credit"}))
    stage = Stage(
        cast(Any, run), cast(Any, order), cast(Any, system), cast(ControlClient, control), state, got,
        cast(Any, None), cast(Any, None), Path("run"),
    )  # fmt: skip
    got.rounds.append(RoundAccount())
    armed = Armed(cast(Any, prepared), got.rounds[0], cast(Any, None))
    closed = Close(stage)(Settle(stage)(phases.Drain(stage)(Fired(armed, True))))
    assert (closed.missing == "") is got.rounds[0].closed
    return run, got


@pytest.mark.parametrize("why", [None, "stop rule", "interrupted by SIGINT", "killed", "the generator left no account"])
@pytest.mark.parametrize("open_", [[], [3, 9]], ids=["settled", "two open"])
def test_every_end_settles_and_closes(why: str | None, open_: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    control = Control(end_us=0 if why is None else FAR)
    run, got = end(why, control, monkeypatch, open_)
    assert control.asked == [why is not None], "a run that was stopped closes its round before its end"
    assert (got.rounds[0].closed, got.unsettled) == (True, len(open_))
    assert run.phases == ["drain", "closing"]
    found, other = (got.failures, got.no_data) if why is None else (got.no_data, got.failures)
    assert [reason.code for reason in found] == ["unsettled"] * bool(open_)
    assert other == []


@pytest.mark.parametrize("closes", [True, False])
def test_the_publics_round_is_closed_with_the_runs_own(closes: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    control = Control(closes=closes)
    _, got = end(None, control, monkeypatch, [], rounds=(7, 8))
    assert control.rounds == [7, 8]
    assert [reason.code for reason in got.failures] == ([] if closes else ["not_closed", "not_closed"])


def test_behind_a_climb_the_round_s_end_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    control = Control(end_us=FAR)
    _, got = end(None, control, monkeypatch, [3], RunAccount(climb=cast(Any, object())))
    assert control.asked == [True], "closed before its end"
    assert got.rounds[0].closed
    assert ([reason.code for reason in got.failures], got.no_data) == (["unsettled"], []), "but the run was a whole one"


@pytest.mark.parametrize("why", [None, "killed"])
def test_a_close_that_does_not_come_is_a_failure_of_a_whole_run_alone(
    why: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, got = end(why, Control(closes=False), monkeypatch, [])
    found = got.failures if why is None else got.no_data
    assert [(reason.code, "front 0" in reason.text) for reason in found] == [("not_closed", True)]


def test_a_step_that_breaks_keeps_no_other_from_being_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    control = Control(broken=True)
    run, got = end("killed", control, monkeypatch, [])
    assert {reason.code for reason in got.invalid} == {"run_broken"}
    assert got.rounds[0].closed, "the round was closed, though the answers could not be asked for"
    assert run.phases == ["drain", "closing"]


def test_of_a_control_that_stays_away_nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    _, got = end("killed", Control(away=10**9), monkeypatch, [])
    assert got.unsettled == 0, "the answers were asked for, though control is away"
    assert [reason.code for reason in got.no_data] == ["not_closed"]
    assert not got.rounds[0].closed


@pytest.mark.parametrize("away", [1, 2, 3, 5])
def test_a_control_that_is_away_for_a_moment_at_the_end_of_a_run_is_asked_again(
    away: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, got = end(None, Control(away=away), monkeypatch, [])
    assert (got.rounds[0].closed, got.invalid, got.failures, got.no_data) == (True, [], [], [])


def test_of_a_stack_that_is_gone_nothing_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    control = Control()
    _, got = end("gone", control, monkeypatch, [3], RunAccount(aborted=Reason(code=GONE, text="gone")))
    assert (control.asked, got.unsettled, got.failures, got.no_data) == ([], None, [], [])
