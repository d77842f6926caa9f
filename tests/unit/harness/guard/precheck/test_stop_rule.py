"""Item *stop rule*: rules are rehearsed before they are needed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pydantic import TypeAdapter

from harness.guard.precheck import StartRequest
from harness.guard.precheck.stop_rule import rehearsed
from harness.watch.prom import PromError, Prometheus
from plans.models.stress import StopRule
from plans.signals import SIGNALS, Signal, Value
from tests.support.start_request import at, of

UNITS = {"share": "50%", "time": "5s", "age": "30s", "count": 1_000, "factor": "1.2x"}


def rule(signal: str, **more: object) -> StopRule:
    window = {} if SIGNALS[signal].level else {"window": "10s"}
    data = {"signal": signal, "above": UNITS[SIGNALS[signal].unit], **window, **more}
    found: StopRule = TypeAdapter(StopRule).validate_python(data)
    return found


@pytest.mark.parametrize("signal", sorted(SIGNALS))
def test_a_rule_on_each_signal_fires_in_its_rehearsal(whole: StartRequest, signal: str) -> None:
    found = of("stop rule", replace(whole, rules=(rule(signal),)))
    assert [(one.subject, one.state) for one in found] == [(signal, "good")]


@pytest.mark.parametrize("window", ["1s", "10s", "90s"])
def test_short_and_long_windows(window: str) -> None:
    assert rehearsed(rule("response_p99", window=window)) == ""


def test_a_rule_that_never_fires_refuses_the_start(whole: StartRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    blind = Signal("error_share", "share", "nothing", lambda first, now: None)
    monkeypatch.setitem(SIGNALS, "error_share", blind)
    (found,) = of("stop rule", replace(whole, rules=(rule("error_share"),)))
    assert (found.name, found.state) == ("12. stop rule error_share", "refused")
    assert found.says == "it does not fire on figures beyond every bound"


def test_a_rule_that_always_fires_refuses_the_start(whole: StartRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    nervous = replace(SIGNALS["error_share"], read=lambda first, now: Value(1.0, 10**9))
    monkeypatch.setitem(SIGNALS, "error_share", nervous)
    assert rehearsed(rule("error_share")) == "it fires on figures that are calm"


@pytest.mark.parametrize(
    ("signal", "changes", "who"),
    [
        pytest.param("credit_delay_p99", {"credit_metrics_urls": {}}, "credit", id="no credit worker"),
        pytest.param("pending_awards", {"front_metrics_urls": ()}, "front-0, front-1", id="no front tells"),
        pytest.param("imbalance_fen", {"control_url": None}, "control", id="no control"),
    ],
)
def test_a_signal_that_nobody_tells(whole: StartRequest, signal: str, changes: dict[str, object], who: str) -> None:
    ask = at(replace(whole, rules=(rule(signal),)), **changes)
    (found,) = [one for one in of("stop rule", ask) if one.state != "good"]
    assert (found.state, found.says) == ("refused", f"nothing tells {signal}: no address of {who}")
    (found,) = [one for one in of("stop rule", replace(ask, elsewhere=True)) if one.state != "good"]
    assert found.state == "warning", "elsewhere it is the verdict that says so"


def query(text: str = "sum(up)", above: float = 3) -> StopRule:
    data = {"signal": "promql", "query": text, "above": above, "window": "3s"}
    found: StopRule = TypeAdapter(StopRule).validate_python(data)
    return found


@pytest.mark.parametrize("above", [-5, 0, 1e12])
def test_a_rule_on_a_query_fires_in_its_rehearsal(above: float) -> None:
    assert rehearsed(query(above=above)) == ""


def test_a_query_without_a_prometheus(whole: StartRequest) -> None:
    ask = at(replace(whole, rules=(query(),)), prometheus_url=None)
    (found,) = [one for one in of("stop rule", ask) if one.state != "good"]
    assert (found.state, found.says) == ("refused", "nothing tells sum(up): no address of prometheus")


def test_a_query_that_prometheus_does_not_understand(whole: StartRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Prometheus, text: str, at_s: float) -> float | None:
        raise PromError(f"{text}: parse error")

    monkeypatch.setattr(Prometheus, "value", refuse)
    ask = at(replace(whole, rules=(query("sum("),)), prometheus_url="http://127.0.0.1:1")
    (found,) = [one for one in of("stop rule", ask) if one.state != "good"]
    assert (found.subject, found.state, found.says) == ("sum(", "refused", "sum(: parse error")


def test_a_prometheus_that_is_away_refuses_no_query(whole: StartRequest) -> None:
    ask = at(replace(whole, rules=(query(),)), prometheus_url="http://127.0.0.1:1")
    assert [one.state for one in of("stop rule", ask)] == ["good"], "the item monitoring refuses it"


def test_a_plan_without_rules(whole: StartRequest) -> None:
    assert [one.state for one in of("stop rule", whole)] == ["not_evaluated"]


def test_a_rule_on_a_journey_is_rehearsed_with_that_journey_s_counts(whole: StartRequest) -> None:
    (found,) = of("stop rule", replace(whole, rules=(rule("response_p99", journey="balances"),)))
    assert (found.subject, found.state) == ("response_p99 of balances", "good")
