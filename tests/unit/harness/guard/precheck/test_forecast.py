"""Item *forecast*: locked in the run's folder, as it was computed."""

from __future__ import annotations

from dataclasses import replace

from harness.forecast.lock import LockBroken
from harness.guard.precheck import StartRequest
from tests.support.start_request import of


def changed() -> str:
    raise LockBroken("forecast.lock.json: the forecast was changed after it was locked")


def test_read_back(whole: StartRequest) -> None:
    (found,) = of("forecast", whole)
    assert (found.state, found.says) == ("good", f"locked, sha256 {'ab' * 8}…")


def test_a_lock_that_is_another(whole: StartRequest) -> None:
    (found,) = of("forecast", replace(whole, check_lock=changed))
    assert (found.state, found.says) == ("refused", "forecast.lock.json: the forecast was changed after it was locked")


def test_nothing_to_judge(whole: StartRequest) -> None:
    assert [one.state for one in of("forecast", replace(whole, check_lock=None))] == ["not_evaluated"]
