"""A front that is slower than the plan allows: the run fails, by its forecast or by its stop rule."""

from __future__ import annotations

import json

import pytest

from tests.support.command import Xiu, plan_with

pytestmark = pytest.mark.serial


@pytest.fixture
def slow(xiu: Xiu) -> Xiu:
    """The front waits with every answer, and so briefly that no tap waits for a connection."""
    assert xiu("switch", "set", "draw.delay_ms", "150").returncode == 0
    return xiu


def test_a_front_slower_than_its_target_fails_the_run(slow: Xiu) -> None:
    plan = plan_with(slow.folder, ("response_p99: 2s", "response_p99: 100ms"))
    done = slow.valid("plan", "run", plan, "--scale", "1", "--json")
    assert done.returncode == 99, done.stdout[-2000:] + done.stderr
    reasons = {reason["code"] for reason in json.loads(done.stdout)["reasons"]}
    assert "forecast_response_p99_ms" in reasons


def test_a_stop_rule_that_fires_is_a_failure_and_nobodys_interruption(slow: Xiu) -> None:
    rule = "- {signal: response_p99, above: 100ms, window: 1s, min_samples: 20}"
    plan = plan_with(slow.folder, ("- {signal: error_share", f"{rule}\n  - {{signal: error_share"))
    done = slow.valid("plan", "run", plan, "--scale", "1", "--json")
    assert done.returncode == 99, done.stdout[-2000:] + done.stderr
    record = json.loads(done.stdout)
    assert record["verdict"] == "FAIL"
    assert "stop_rule" in {reason["code"] for reason in record["reasons"]}
    assert record["load"]["unsent"] > 0, "the fire ceased"
    assert record["money"]["residue_fen"] == 0
