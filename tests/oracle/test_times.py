"""Oracles of the generator's times: against servers whose behaviour is known, it must measure what is known."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from harness.bench.servers import bare_front
from harness.engine.process import CannonResult
from harness.engine.schedule import constant, schedule
from tests.support.firing_range import SERVER_CORE, Freeze, arrivals, fired, orders, steady, target, valid

pytestmark = pytest.mark.serial

COARSE_MS = 50.0  # objective where the figure to find is tens of milliseconds: a lag of 1 ms does not blur it


def test_a_frozen_front_shows_in_the_response_and_not_in_the_service(tmp_path: Path) -> None:
    """1,000/s for 10 s over 20 connections with 160 users, the front stopped for 1 s: p95 0.5 s, p99 0.9 s."""
    freezes: list[Freeze] = []

    def fire() -> CannonResult:
        with bare_front(SERVER_CORE, users=400, win_every=0) as front:
            freeze = Freeze(front.pid)
            freezes.append(freeze)
            later = threading.Timer(4.0, freeze.begin)
            later.start()
            try:
                return fired(
                    orders(front, tmp_path, steady(1000, 10), slots=160, connections=20, objective_ms=COARSE_MS)
                )
            finally:
                later.join()
                freeze.ended()

    result = valid(fire)
    response, service = result.latency_ms["response"], result.latency_ms["service"]
    lasted_ms = freezes[-1].lasted_ms
    assert response["p95"] == pytest.approx(lasted_ms - 500, rel=0.05)
    assert response["p99"] == pytest.approx(lasted_ms - 100, rel=0.05)
    assert service["p99"] < 50, "twenty taps alone were in flight: service time hides the freeze"
    assert result.load["sent"] == 10_000
    assert result.outcomes["unknown"] == 0


def test_a_known_delay_is_measured_and_as_many_arrive_as_rate_times_duration_to_the_unit(tmp_path: Path) -> None:
    def fire() -> CannonResult:
        with target(tmp_path, "delay", mean_ms=20.0) as server:
            return fired(orders(server, tmp_path, steady(997, 3), slots=100))

    result = valid(fire)
    assert result.latency_ms["response"]["p50"] == pytest.approx(20, abs=1)
    assert result.latency_ms["service"]["p50"] == pytest.approx(20, abs=1)
    assert len(arrivals(tmp_path)) == result.load["sent"] == result.load["scheduled"] == 2991
    assert not any(result.load["residues"].values())


MEAN_MS, LOAD, SEED = 4.0, 0.7, 2


@pytest.mark.parametrize(
    ("poisson", "agrees", "low", "high"),
    [
        pytest.param(True, True, 0.9, 1.1, id="Poisson arrivals, their spread about 1, wait as theory says"),
        pytest.param(False, False, 0.0, 0.2, id="even ones, their spread about 0, wait less, and must not match"),
    ],
)
def test_queue_theory(tmp_path: Path, poisson: bool, agrees: bool, low: float, high: float) -> None:
    """One exponential server at 70 % load: mean response = service / (1 - load). And how the gaps between the arrivals
    there spread.
    """
    rate = LOAD / MEAN_MS * 1000

    def fire() -> CannonResult:
        with target(tmp_path, "queue", MEAN_MS, seed=SEED) as server:
            segment = steady(rate, 8, poisson=poisson)
            return fired(orders(server, tmp_path, segment, slots=200, seed=SEED, objective_ms=COARSE_MS))

    mean_ms = valid(fire).data["mean_ms"]["response"]
    theory_ms = MEAN_MS / (1 - LOAD)
    assert (mean_ms == pytest.approx(theory_ms, rel=0.10)) is agrees, f"{mean_ms} ms; theory {theory_ms} ms"
    gaps = np.diff(np.array(arrivals(tmp_path)))
    assert low <= gaps.std() / gaps.mean() <= high


def test_workers_interleave_to_one_schedule(tmp_path: Path) -> None:
    """Two cannons at once are one generator: their taps together are those of one."""
    parts = [schedule(constant(997, 3), 1, worker, 2).intended_ns for worker in range(2)]
    assert np.array_equal(np.sort(np.concatenate(parts)), schedule(constant(997, 3), 1).intended_ns)
    with target(tmp_path, "delay") as server:
        for worker in range(2):
            fired(orders(server, tmp_path, steady(997, 1), slots=100, worker=worker, workers=2))
    assert len(arrivals(tmp_path)) == 997
