"""INVALID: each rule of the generator's health, on recorded arrays."""

from __future__ import annotations

import os

import numpy as np
import psutil
import pytest

from harness.engine.health import NS, CpuSample, Health, Steal, judge
from harness.engine.usage import host_ticks

RATE, SECONDS = 1000, 40
START = 5 * NS


def _run(lag_ms: dict[int, float] | None = None, missing: dict[int, int] | None = None, share: float = 1.0) -> Health:
    """A run with a lag of ``lag_ms`` in some seconds (in ``share`` of their taps), and taps never reached in others."""
    intended = START + np.arange(RATE * SECONDS, dtype=np.int64) * (NS // RATE)
    reached = intended + 100_000
    for second, lag in (lag_ms or {}).items():
        first = second * RATE
        late = first + np.arange(round(RATE * share))
        reached[late] = intended[late] + round(lag * 1e6)
    for second, count in (missing or {}).items():
        reached[second * RATE : second * RATE + count] = 0
    return judge(intended, reached, (START, START + SECONDS * NS), _cpu(0.5), 5.0, {"residue": 0})


def _cpu(busy: float, waited: float = 0.0, seconds: int = 10) -> list[CpuSample]:
    return [CpuSample(k * NS, int(k * busy * NS), int(k * waited * NS)) for k in range(seconds)]


@pytest.mark.parametrize(
    ("health", "valid", "words"),
    [
        pytest.param(_run(), True, "", id="on time"),
        pytest.param(_run({3: 2}), True, "", id="one second alone is forgiven"),
        pytest.param(_run({3: 2, 9: 2}), True, "", id="two seconds apart, 5 %"),
        pytest.param(_run({3: 2, 4: 2}), False, "lag p99", id="two in a row"),
        pytest.param(_run({3: 2, 9: 2, 30: 2}), False, "lag p99", id="more than 5 % of them"),
        pytest.param(_run({3: 20, 4: 20}, share=0.02), False, "above 10 ms", id="2 % far too late, twice"),
        pytest.param(_run({3: 20, 4: 20}, share=0.005), True, "", id="half a per cent far too late"),
        pytest.param(_run(missing={3: 11, 4: 11}), False, "less than 99%", id="taps the pacer never came to"),
        pytest.param(_run(missing={3: 10, 4: 10}), True, "", id="99 % reached are enough"),
        pytest.param(_run({3: 2}, missing={4: 20}), False, "lag p99", id="two rules in neighbouring seconds"),
    ],
)
def test_lag(health: Health, valid: bool, words: str) -> None:
    assert health.valid is valid
    assert words in " ".join(health.reasons)


def test_limit_follows_the_objective() -> None:
    intended = np.arange(10_000, dtype=np.int64) * (NS // 1000)
    lagging = judge(intended, intended + 3_000_000, (0, 10 * NS), [], 50.0, {})
    assert lagging.valid
    assert not judge(intended, intended + 3_000_000, (0, 10 * NS), [], 20.0, {}).valid


@pytest.mark.parametrize(
    ("cpu", "valid"),
    [
        pytest.param(_cpu(0.85), True, id="busy"),
        pytest.param(_cpu(0.95), False, id="too busy"),
        pytest.param(_cpu(0.5, waited=0.45), False, id="waiting for a CPU counts as much"),
        pytest.param([*_cpu(0.5, seconds=5), CpuSample(5 * NS, 3 * NS, 0)], True, id="one busy second of three"),
        pytest.param([], True, id="nothing sampled"),
    ],
)
def test_cpu(cpu: list[CpuSample], valid: bool) -> None:
    intended = np.arange(10_000, dtype=np.int64) * (NS // 1000)
    health = judge(intended, intended, (0, 10 * NS), cpu, 5.0, {})
    assert health.valid is valid
    assert valid or "CPU" in health.reasons[0]


@pytest.mark.parametrize(
    ("ticks", "steal"),
    [
        pytest.param([(1000, 7), (1200, 7), (1400, 57), (1600, 61)], Steal(54 / 600, 0.25), id="most in one second"),
        pytest.param([(1000, 7), (1200, 7)], Steal(0.0, 0.0), id="nothing taken"),
        pytest.param([(0, 0), (0, 0)], Steal(), id="no system that tells"),
        pytest.param([(1000, 7)], Steal(), id="one sample"),
        pytest.param([], Steal(), id="no sample"),
    ],
)
def test_what_the_host_took(ticks: list[tuple[int, int]], steal: Steal) -> None:
    intended = np.arange(3000, dtype=np.int64) * (NS // 1000)
    cpu = [CpuSample(k * NS, 0, 0, *told) for k, told in enumerate(ticks)]
    health = judge(intended, intended, (0, 3 * NS), cpu, 5.0, {})
    assert health.steal == steal
    assert health.valid


def test_this_machine_tells_its_time() -> None:
    ticks, steal = host_ticks()
    told = psutil.cpu_times()
    assert 0 <= steal <= ticks
    assert ticks / os.sysconf("SC_CLK_TCK") == pytest.approx(sum(told) - told.guest - told.guest_nice, rel=0.01)


def test_counts_that_do_not_close() -> None:
    intended = np.arange(1000, dtype=np.int64) * (NS // 1000)
    health = judge(intended, intended, (0, NS), [], 5.0, {"sent - outcomes": 1, "other": 0})
    assert health.reasons == ("counts do not close: sent - outcomes by 1",)


def test_nothing_measured_is_not_healthy() -> None:
    empty = np.zeros(0, np.int64)
    assert judge(empty, empty, (0, 0), [], 5.0, {}).reasons == ("no tap in the measured part of the plan",)
    assert judge(empty, empty, (0, 0), [], 5.0, {}, idle=True).valid, "another worker had the one tap there was"
