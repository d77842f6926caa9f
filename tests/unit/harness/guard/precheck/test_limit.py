"""Item *limit*: a limit and one more."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from harness.guard import live_rate
from harness.guard.precheck import StartRequest
from plans.models.targets import HoursOfDay
from tests.support.start_request import BAD, PartServer, at, entry, of

NIGHT = HoursOfDay.model_validate({"from": "01:00", "until": "05:00", "zone": "+08:00"})


def refused(ask: StartRequest) -> set[str]:
    return {one.subject for one in of("limit", ask) if one.state == "refused"}


@pytest.mark.parametrize(
    ("rate", "length", "beyond"),
    [
        pytest.param(1000.0, 60.0, set(), id="as much as is granted"),
        pytest.param(999.0, 60.0, {"rate"}, id="one request a second beyond"),
        pytest.param(1000.0, 59.0, {"duration"}, id="one second beyond"),
        pytest.param(999.0, 59.0, {"rate", "duration"}, id="both"),
    ],
)
def test_a_limit_and_one_more(whole: StartRequest, rate: float, length: float, beyond: set[str]) -> None:
    assert refused(replace(whole, allowed=entry(whole, rate, length))) == beyond


@pytest.mark.parametrize(("step_rps", "beyond"), [(500.0, set()), (501.0, {"step"})])
def test_a_step_and_one_more(whole: StartRequest, step_rps: float, beyond: set[str]) -> None:
    assert refused(replace(whole, step_rps=step_rps, allowed=entry(whole, step_max=500.0))) == beyond


@pytest.mark.parametrize(
    ("hour", "minute", "second", "beyond"),
    [
        pytest.param(17, 0, 0, set(), id="as they begin"),
        pytest.param(16, 59, 59, {"hours"}, id="a second before"),
        pytest.param(20, 59, 0, set(), id="over as they end"),
        pytest.param(20, 59, 1, {"hours"}, id="over a second behind"),
    ],
)
def test_the_hours_and_a_second_more(
    whole: StartRequest, hour: int, minute: int, second: int, beyond: set[str]
) -> None:
    now = datetime(2016, 2, 7, hour, minute, second, tzinfo=UTC)
    assert refused(replace(whole, now=now, allowed=entry(whole, hours=NIGHT))) == beyond


@pytest.mark.parametrize(
    ("capacity", "beyond"),
    [
        pytest.param(2000.0, set(), id="half of it stays free"),
        pytest.param(1999.0, {"headroom"}, id="one request a second beyond"),
    ],
)
def test_what_the_public_needs_and_one_more(
    whole: StartRequest, capacity: float, beyond: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_rate, "SPAN_S", 0.01)
    assert refused(replace(whole, allowed=entry(whole, capacity=capacity, live_headroom=0.5))) == beyond


def test_the_public_s_own_traffic_counts(
    whole: StartRequest, server: PartServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_rate, "SPAN_S", 0.2)
    ask = replace(whole, allowed=entry(whole, capacity=10_000.0, live_headroom=0.3))
    server.live_rps = 1_000.0
    assert refused(ask) == set()
    server.live_rps = 10_000.0
    assert refused(ask) == {"headroom"}


def test_live_traffic_that_nobody_tells_is_no_headroom(whole: StartRequest) -> None:
    ask = replace(whole, allowed=entry(whole, capacity=1e6, live_headroom=0.5))
    says = "the live traffic of here is not known: not every front tells it"
    for urls in ((ask.addresses.control_url, BAD), ()):
        found = [one for one in of("limit", at(ask, front_metrics_urls=urls)) if one.subject == "headroom"]
        assert [(one.state, one.says) for one in found] == [("refused", says)]


def test_this_host_without_an_entry_has_no_limit(whole: StartRequest) -> None:
    (found,) = of("limit", whole)
    assert (found.state, found.says) == ("good", "this host alone, for which the allow-list sets no limit")
