"""What Prometheus is asked for stop rules: one query without a value takes no other along."""

from __future__ import annotations

import pytest

from harness.orchestrate.asked import QuerySampler, asked
from harness.runs.state import RunState
from harness.watch.prom import PromError, Prometheus
from plans.signals.shape import QueryAnswers
from tests.support.stores import wait_until


def fake(monkeypatch: pytest.MonkeyPatch, answers: dict[str, float | None]) -> None:
    def value(self: Prometheus, query: str, at_s: float) -> float | None:
        if query not in answers:
            raise PromError(f"{query}: parse error")
        return answers[query]

    monkeypatch.setattr(Prometheus, "value", value)


def test_what_has_no_single_value_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    fake(monkeypatch, {"a": 1.5, "b": None, "c": 0.0})
    with Prometheus("http://127.0.0.1:1") as prometheus:
        assert asked(prometheus, ("b", "broken", "a", "c"), 7.0) == QueryAnswers(7.0, {"a": 1.5, "c": 0.0})


def test_the_state_knows_the_last_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    fake(monkeypatch, {"a": 4.0})
    state = RunState("r", "p", "stress", "1", "", 10.0)
    sampler = QuerySampler("http://127.0.0.1:1", ("a", "a"), state)
    sampler.start()
    try:
        wait_until(lambda: state.asked.values == {"a": 4.0}, 10.0, "asked")
    finally:
        sampler.stop()
    assert sampler.rows[-1] == state.asked, "and what it was before, for what comes after a stop"


def test_without_a_query_nobody_is_asked() -> None:
    state = RunState("r", "p", "stress", "1", "", 10.0)
    sampler = QuerySampler("", (), state)
    sampler.start()
    sampler.stop()
    assert state.asked == QueryAnswers()
