"""Each signal that a rule may name ends a run whose cannon and samples tell that it is beyond its bound."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from pydantic import TypeAdapter

from harness.orchestrate.account import RunAccount
from harness.orchestrate.scribe import Scribe
from harness.orchestrate.steering import Steering
from harness.runs.state import MoneySample, RunState
from plans.models.stress import StopRule
from plans.signals import SIGNALS
from tests.support.sample_run import sample_lock

BOUNDS = {"share": "10%", "time": "1s", "age": "10s", "count": 10, "factor": "1.2x"}
USUAL = {1.0: 1_000.0, 5.0: 1_000.0, float("inf"): 1_000.0}
"""What the public's wins took before the load."""


def bad(second: int) -> tuple[dict[str, Any], MoneySample]:
    """A hundred taps a second: half unknown, half refused, all late and slow; the money waits and does not balance."""
    told = {"outcomes": {"unknown": 50 * second}, "refused_by_status": {"503": 50 * second},
            "lag_us": [[20_000, 100 * second]], "response_us": [[5_000_000, 100 * second]]}  # fmt: skip
    delay = {1.0: 0.0, 5.0: 100.0 * second, float("inf"): 100.0 * second}
    return told, MoneySample(
        oldest_age_s=60.0,
        backlog_entries=500,
        pending_awards=500,
        imbalance_fen=-500,
        credit_delay=delay,
        at_s=second,
        live_append=delay,
        live_baseline=USUAL,
    )


def good(second: int) -> tuple[dict[str, Any], MoneySample]:
    """A hundred taps a second, all answered at once; nothing waits."""
    told = {"outcomes": {"unknown": 0}, "refused_by_status": {},
            "lag_us": [[100, 100 * second]], "response_us": [[1_000, 100 * second]]}  # fmt: skip
    delay = {1.0: 100.0 * second, 5.0: 100.0 * second, float("inf"): 100.0 * second}
    return told, MoneySample(
        oldest_age_s=0.0,
        backlog_entries=0,
        pending_awards=0,
        imbalance_fen=0,
        credit_delay=delay,
        at_s=second,
        live_append=delay,
        live_baseline=USUAL,
    )


@pytest.mark.parametrize("feed", [bad, good])
@pytest.mark.parametrize("name", SIGNALS)
def test_a_signal_through_the_loop_of_a_run(name: str, feed: Any, tmp_path: Path) -> None:
    signal = SIGNALS[name]
    few = {} if signal.level else {"min_samples": 100}
    rule = TypeAdapter(StopRule).validate_python({"signal": name, "above": BOUNDS[signal.unit], "window": "2s", **few})
    _, plan = sample_lock().models()
    state, account = RunState("r", "smoke", "stress", "1", "", 9.0), RunAccount()
    system = cast(Any, SimpleNamespace(gone=lambda: None))
    run = Steering(state, plan.model_copy(update={"stop": (rule,)}), system, account, Scribe(tmp_path))
    for second in range(3, 9):
        told, state.money = feed(second)
        state.now_s = float(second)
        counts = {"event": "counts", "at_ns": second * 10**9, "answered": 100 * second, "reached": 100 * second}
        run.on_message(0, counts | told | {"lag_p99_ms": None})
    assert run.hearing.blind() == []
    if feed is good:
        assert run.stopped() is None
        assert run.hearing.stop((), ()) is None
        return
    assert account.aborted is not None
    assert (account.aborted.code, account.aborted.data["signal"]) == ("stop_rule", name)
    assert (run.stopped() or "").startswith(f"{name} ")
    assert [event.kind for event in state.events] == ["stop_rule"]
    found = run.hearing.stop([(state.now_s + 1, bad(9)[1]), (state.now_s + 4, good(12)[1])], ())
    assert found is not None
    assert found.signal == name
    assert (found.recovered_s is not None) is signal.level or found.says == "recovered_idle"
    if signal.level:
        assert found.recovered_s == 12.0 - found.at_s, "by when it was sampled"
