"""Alarms finer than a millisecond: never early, at once where their time has passed, and not thicker than they need."""

from __future__ import annotations

import os
import select
import sys
import time

import pytest

from harness.engine.health import lag_ms_max
from harness.engine.pacing import AlarmSetting, grain_ns, timer_descriptor

linux = pytest.mark.skipif(sys.platform != "linux", reason="timer descriptors are Linux's")


@linux
@pytest.mark.parametrize("ahead_us", [pytest.param(700, id="part of a ms"), pytest.param(-5_000, id="has passed")])
def test_an_alarm_is_never_early_and_rings_once(ahead_us: int) -> None:
    fd = timer_descriptor()
    try:
        alarm = AlarmSetting(fd)
        for _ in range(20):
            at_ns = time.monotonic_ns() + ahead_us * 1000
            alarm.set(at_ns)
            assert select.select([fd], [], [], 30)[0] == [fd]
            assert time.monotonic_ns() >= at_ns
        os.read(fd, 8)
        assert select.select([fd], [], [], 0)[0] == [], "it was read, and is set no more"
    finally:
        os.close(fd)


@linux
def test_an_alarm_that_is_set_anew_is_silent_until_then() -> None:
    fd = timer_descriptor()
    try:
        alarm = AlarmSetting(fd)
        alarm.set(0)
        assert select.select([fd], [], [], 30)[0] == [fd]
        alarm.set(time.monotonic_ns() + 3_600_000_000_000)
        assert select.select([fd], [], [], 0)[0] == []
    finally:
        os.close(fd)


@pytest.mark.parametrize(
    ("objective_ms", "us"),
    [
        pytest.param(5.0, 100, id="1 ms of lag may be"),
        pytest.param(50.0, 500, id="5 ms may be"),
        pytest.param(2_000.0, 1_000, id="a millisecond at most"),
    ],
)
def test_rings_are_apart_by_a_small_part_of_the_lag_that_may_be(objective_ms: float, us: int) -> None:
    assert grain_ns(lag_ms_max(objective_ms)) == us * 1000
