"""Item *switch*: what stops the run is refused, what is degraded on purpose is named."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.guard.precheck import StartRequest, refuse
from system.contract.switches import defaults
from tests.support.start_request import control, of, states


@pytest.mark.parametrize("key", ["draw.award", "stress.accept"])
def test_a_switch_that_stops_the_run_is_named_with_the_command(whole: StartRequest, key: str) -> None:
    found = [one for one in of("switch", control(whole, values=defaults() | {key: 0})) if one.state != "good"]
    assert [(one.name, one.state, one.says) for one in found] == [
        (f"6. switch {key}", "refused", f"{key} is 0, not 1: xiu switch set {key} 1")
    ]


@pytest.mark.parametrize("key", ["draw.delay_ms", "draw.shed_percent", "credit.pause"])
def test_what_is_degraded_on_purpose_is_a_warning(whole: StartRequest, key: str) -> None:
    found = of("switch", control(whole, values=defaults() | {key: 1}))
    assert [(one.name, one.state) for one in found if one.state != "good"] == [(f"6. switch {key}", "warning")]
    refuse(found)


def test_a_live_run_does_not_need_the_stress_switch(whole: StartRequest) -> None:
    ask = control(replace(whole, lane="live"), values=defaults() | {"stress.accept": 0})
    assert states(of("switch", ask)) == {"good"}
