"""Item *shadow*: shape, rights and open work of the stress lane's stores."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from harness.guard.kill import registered
from harness.guard.precheck import StartRequest
from harness.guard.precheck import shadow as shadow_module
from tests.support.start_request import BAD, at, of


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shadow_module, "DEADLINE_S", 0.2)


def behind(ask: StartRequest) -> StartRequest:
    return at(ask, credit_metrics_urls={"stress": f"{ask.addresses.control_url}/behind"})


def test_ready(whole: StartRequest) -> None:
    assert [(one.subject, one.state) for one in of("shadow", whole)] == [("stores", "good"), ("log", "good")]


def test_each_line_of_the_stores_is_told(whole: StartRequest) -> None:
    found = of("shadow", replace(whole, look_at_shadow=lambda: ("one", "two")))
    assert [(one.says, one.state) for one in found if one.subject == "stores"] == [
        ("one", "refused"),
        ("two", "refused"),
    ]


def test_awards_of_an_earlier_run_that_wait(whole: StartRequest) -> None:
    (found,) = [one for one in of("shadow", behind(whole)) if one.subject == "log"]
    assert (found.state, found.says) == ("refused", "7 awards of an earlier run wait for money")


def test_awards_of_a_run_that_fires_now_are_its_own(whole: StartRequest) -> None:
    with registered([whole.register], os.getpid(), "another run", whole.runs / "kill", whole.runs):
        (found,) = [one for one in of("shadow", behind(whole)) if one.subject == "log"]
    assert (found.state, found.says) == ("good", "7 awards of a run that fires now wait")


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"look_at_shadow": None}, id="a run on the live lane"),
        pytest.param({"look_at_shadow": lambda: None}, id="the stores are out of reach"),
    ],
)
def test_stores_that_nobody_looked_at_are_not_green(whole: StartRequest, changes: dict[str, object]) -> None:
    found = of("shadow", at(replace(whole, **changes), credit_metrics_urls={"stress": BAD}))  # type: ignore[arg-type]
    assert [one.state for one in found] == ["not_evaluated"]
