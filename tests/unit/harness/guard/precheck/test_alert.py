"""Item *alert*: nobody is being called before the run begins."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from harness.guard.precheck import StartRequest, alert
from tests.support.start_request import BAD, PartServer, at, of


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alert, "DEADLINE_S", 0.2)


def fires(name: str, severity: str, lane: str | None = None) -> dict[str, str]:
    return {"alertname": name, "severity": severity} | ({"lane": lane} if lane else {})


@pytest.mark.parametrize(
    ("labels", "state"),
    [
        pytest.param(fires("CreditStalled", "page", "stress"), "refused", id="in the run's lane"),
        pytest.param(fires("TargetDown", "page"), "refused", id="for both lanes"),
        pytest.param(fires("CreditStalled", "page", "live"), "warning", id="in the other lane"),
        pytest.param(fires("RoundMissed", "page", "stress"), "warning", id="it tells what was"),
        pytest.param(fires("MoneyInSuspense", "page", "stress"), "warning", id="a count that never falls again"),
        pytest.param(fires("CreditSlow", "ticket", "stress"), "warning", id="for working hours"),
        pytest.param(fires("GeneratorSaturated", "invalid_run"), None, id="of a run before"),
        pytest.param(fires("Watchdog", "none"), None, id="the sign of life"),
    ],
)
def test_which_alerts_count(whole: StartRequest, server: PartServer, labels: dict[str, str], state: str | None) -> None:
    server.alerts = [fires("Watchdog", "none"), labels]
    found = of("alert", at(whole, prometheus_url=server.url))
    told = [(one.subject, one.state) for one in found if one.state != "good"]
    assert told == ([] if state is None else [(labels["alertname"], state)])
    assert any(one.state == "good" for one in found) == (state != "refused")
    if state:
        assert f"docs/alerts.md#{labels['alertname'].lower()}" in found[0].says


def test_the_rules_have_those_that_tell_what_was() -> None:
    rules = (Path(__file__).parents[5] / "dashboards" / "rules" / "alerts.yml").read_text(encoding="utf-8")
    assert {name for name in alert.OF_THE_PAST if f"- alert: {name}\n" not in rules} == set()


def test_an_alert_that_just_ends_is_waited_for(
    whole: StartRequest, server: PartServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alert, "DEADLINE_S", 30.0)
    server.alerts = [fires("TargetDown", "page")]
    ends = threading.Timer(0.3, server.alerts.clear)
    ends.start()
    began = time.monotonic()
    found = of("alert", at(whole, prometheus_url=server.url))
    ends.join(10)
    assert [one.says for one in found] == ["nobody is called"]
    assert time.monotonic() - began < 20


def test_a_prometheus_that_does_not_tell_is_refused_elsewhere(whole: StartRequest) -> None:
    (found,) = of("alert", at(whole, prometheus_url=BAD))
    assert (found.state, found.says) == ("not_evaluated", f"{BAD} does not tell its alerts: ConnectionError")
    (found,) = of("alert", whole)
    assert found.state == "not_evaluated"
