"""Whatever ends the fire, faults are healed before the round is closed, and every round that was armed is audited."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager, nullcontext
from types import SimpleNamespace
from typing import Any, cast

import pytest

from harness.control_client import ControlAway
from harness.orchestrate import conduct
from harness.orchestrate.account import RoundAccount, RunAccount
from harness.orchestrate.hooks import NemesisReport
from harness.orchestrate.spans import Spans
from harness.runs.state import RunState
from harness.verdict import Reason


class Play:
    """A conductor whose phases note their names. `ends`: phase and round at which `how` happens."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, rounds: int, ends: str = "", how: Callable[[], Any] | None = None
    ):
        self.did: list[str] = []
        self.why: str | None = None
        self.ends, self.how, self.account = ends, how, RunAccount()
        state = RunState("r", "p", "stress", "1", "", 5.0)
        run = SimpleNamespace(
            stopped=lambda: self.why, tell=lambda kind, text: None, step=lambda text: None, broken=self.broken
        )
        stage = SimpleNamespace(run=run, account=self.account, state=state, over=lambda: self.why is not None)
        plan = SimpleNamespace(rounds=(None,) * rounds)
        nemesis = SimpleNamespace(begin=lambda told, now_s: self.note("begin"), end=self.heal)
        self.conductor = cast(Any, SimpleNamespace(
            stage=stage, plan=plan, run=run, account=self.account, control=None, _nemesis=nemesis,
            _sampled=self.sampled, _until_recovered=lambda: None, _ahead=None,
        ))  # fmt: skip
        for name in ("Arm", "Fire", "Drain", "Settle", "Celebrate", "Close", "Audit"):
            monkeypatch.setattr(conduct, name, self.phase(name))
        monkeypatch.setattr(conduct, "given_back", lambda control, round_id: nullcontext())

    def phase(self, name: str) -> Callable[[Any], Callable[[Any], Any]]:
        def carry_out(given: Any) -> Any:
            if name == "Audit":
                self.note(f"Audit {[one.number for one in given]}")
                return None
            number = given if name == "Arm" else given.number
            self.note(f"{name} {number}")
            if name == "Arm":
                self.account.rounds.append(RoundAccount(number))
                return SimpleNamespace(number=number, round_ids=(number,), generator=nullcontext())
            return given

        return lambda stage, *_: carry_out

    def note(self, what: str) -> None:
        self.did.append(what)
        if what == self.ends and self.how is not None:
            self.how()

    def heal(self) -> NemesisReport:
        self.note("heal")
        return NemesisReport(failures=(Reason(code="not_healed", text="x"),))

    def broken(self, exc: Exception) -> None:
        self.why = str(exc)

    def stop(self) -> None:
        self.why = "stopped"

    @contextmanager
    def sampled(self, armed: Any, spans: Spans):  # type: ignore[no-untyped-def]
        spans._clock = spans._clock or cast(
            Any, SimpleNamespace(now_s=lambda: 0.0, stop=lambda: self.note("clock stops"))
        )
        yield

    def play(self) -> list[str]:
        conduct.Conductor._play(self.conductor)
        return self.did


def test_a_run_of_one_round_is_the_phases_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Play(monkeypatch, 1).play() == [
        "Arm 1", "begin", "Fire 1", "heal", "Drain 1", "Settle 1", "Celebrate 1", "Close 1", "clock stops", "Audit [1]",
    ]  # fmt: skip


def test_each_round_is_closed_before_the_next_and_the_faults_span_them_all(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Play(monkeypatch, 2).play() == [
        "Arm 1", "begin", "Fire 1", "Drain 1", "Settle 1", "Celebrate 1", "Close 1",
        "Arm 2", "Fire 2", "heal", "Drain 2", "Settle 2", "Celebrate 2", "Close 2", "clock stops", "Audit [1, 2]",
    ]  # fmt: skip


def test_a_run_that_is_stopped_heals_closes_and_audits_and_arms_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    play = Play(monkeypatch, 3, "Fire 1")
    play.how = play.stop
    assert play.play() == [
        "Arm 1", "begin", "Fire 1", "heal", "Drain 1", "Settle 1", "Celebrate 1", "Close 1", "clock stops", "Audit [1]",
    ]  # fmt: skip
    assert [reason.code for reason in play.account.failures] == ["not_healed"], "once"


def away() -> None:
    raise ControlAway("control does not answer")


def test_a_second_round_that_cannot_be_armed_leaves_the_first_healed_and_audited(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    play = Play(monkeypatch, 2, "Arm 2", away)
    assert play.play() == [
        "Arm 1", "begin", "Fire 1", "Drain 1", "Settle 1", "Celebrate 1", "Close 1",
        "Arm 2", "heal", "clock stops", "Audit [1]",
    ]  # fmt: skip
    assert play.why == "control does not answer"


def test_a_first_round_that_cannot_be_armed_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ControlAway):
        Play(monkeypatch, 1, "Arm 1", away).play()


def test_who_gives_up_waiting_leaves_no_fault_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    def give_up() -> None:
        raise KeyboardInterrupt

    play = Play(monkeypatch, 1, "Fire 1", give_up)
    with pytest.raises(KeyboardInterrupt):
        play.play()
    assert play.did == ["Arm 1", "begin", "Fire 1", "heal", "clock stops"]
