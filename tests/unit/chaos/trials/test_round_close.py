"""A round of kill trials ends with its last kill: everybody is asked, then it is closed, however much of it is left."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from chaos.trials import round as trial_round
from system.contract.api import RoundPublic
from system.contract.audit import INVARIANTS, AuditReport, Finding

FAR_US = 10**18


class Control:
    """Closes a round when it is asked to; `asked`: whether before its end."""

    def __init__(self) -> None:
        self.asked: list[bool] = []

    def topology(self) -> None:
        return None

    def clock_us(self) -> int:
        raise AssertionError("nobody waits for the round's end")

    def ask_close(self, round_id: int, before_end: bool = False) -> None:
        self.asked.append(before_end)

    def money(self, round_id: int) -> Any:
        return SimpleNamespace(state="closed" if self.asked else "open", waiting_for=())


@pytest.mark.parametrize("open_", [[], [3, 9]], ids=["settled", "two open"])
def test_the_round_is_closed_before_its_end(open_: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    control = Control()
    monkeypatch.setattr(trial_round, "settle", lambda *_: open_)
    round_ = cast(RoundPublic, SimpleNamespace(round=7, end_us=FAR_US))
    reasons = trial_round._close(cast(Any, control), round_, Path("history"), 1)
    assert control.asked == [True]
    assert len(reasons) == bool(open_)
    assert all("2 users never got a definite answer" in reason for reason in reasons)


@pytest.mark.parametrize(
    ("code", "valid", "held"),
    [
        pytest.param("S18", None, True, id="nobody played"),
        pytest.param("S18", False, False, id="what moved does not add up"),
        pytest.param("S18", "unknown", False, id="nobody knows whether it adds up"),
        pytest.param("S4", None, False, id="of the draw everything is judged"),
    ],
)
def test_rules_of_plays_that_had_nothing_to_look_at_are_no_reason(code: str, valid: Any, held: bool) -> None:
    findings = tuple(
        Finding(code=each, says=says, valid=valid if each == code else True, counted=1, violations=0)
        for each, says in INVARIANTS.items()
    )
    report = AuditReport(lane="live", rounds=(), findings=findings, valid=True)
    reasons = trial_round._result(1, report, [], ()).reasons
    assert [reason for reason in reasons if reason.startswith(code)] == ([] if held else [f"{code} {valid}:"])
