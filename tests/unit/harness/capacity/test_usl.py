"""The scaling law: what is put in is found again, with an interval; what was not seen is not told."""

from __future__ import annotations

import numpy as np
import pytest

from harness.capacity.usl import REACH, LoadPoint, NoFit, UslFit, fit

LOADS = (1, 2, 4, 8, 16, 32, 40)


def points(
    contention: float, coherency: float, loads: tuple[float, ...] = LOADS, noise: float = 0.0, seed: int = 7
) -> list[LoadPoint]:
    """Three of each load, of 1,000/s alone."""
    random = np.random.default_rng(seed)
    return [
        LoadPoint(n, 1000 * n / (1 + contention * (n - 1) + coherency * n * (n - 1)) * (1 + noise * error))
        for n in loads
        for error in random.standard_normal(3)
    ]


def fitted(*args: object, **more: object) -> UslFit:
    found = fit(points(*args, **more))  # type: ignore[arg-type]
    assert isinstance(found, UslFit)
    return found


@pytest.mark.parametrize(
    ("contention", "coherency"),
    [
        pytest.param(0.05, 0.001, id="both"),
        pytest.param(0.02, 0.0, id="contention alone"),
        pytest.param(0.0, 0.002, id="coherency alone"),
        pytest.param(0.0, 0.0, id="neither"),
        pytest.param(0.2, 0.01, id="a peak far within"),
    ],
)
def test_known_parameters_are_found_again(contention: float, coherency: float) -> None:
    exact = fitted(contention, coherency)
    assert exact.one_rps.value == pytest.approx(1000, rel=1e-6)
    assert exact.contention.value == pytest.approx(contention, abs=1e-6)
    assert exact.coherency.value == pytest.approx(coherency, abs=1e-6)
    # 95 of 100 intervals hold the true figure; of 40 seeds, which are always the same, 34 are by far enough.
    held = [0, 0, 0]
    for seed in range(40):
        noisy = fitted(contention, coherency, noise=0.02, seed=seed)
        trues = ((noisy.one_rps, 1000.0), (noisy.contention, contention), (noisy.coherency, coherency))
        for number, (found, true) in enumerate(trues):
            held[number] += found.low - 1e-9 <= true <= found.high + 1e-9
            assert found.low - 1e-9 <= found.value <= found.high + 1e-9
        assert noisy.one_rps.high - noisy.one_rps.low < 150, "and they are narrow"
    assert min(held) >= 34


def test_the_same_points_give_the_same_interval() -> None:
    assert fitted(0.05, 0.001, noise=0.02).one_rps == fitted(0.05, 0.001, noise=0.02).one_rps


def test_a_peak_is_told_as_far_as_twice_what_was_measured() -> None:
    true_at = ((1 - 0.05) / 0.001) ** 0.5
    assert true_at == pytest.approx(30.8, abs=0.1)
    within = fitted(0.05, 0.001)
    assert within.best is not None
    assert within.best_in_flight == pytest.approx(true_at)
    law = 1 + 0.05 * (true_at - 1) + 0.001 * true_at * (true_at - 1)
    assert within.best.value == pytest.approx(1000 * true_at / law)
    ahead = fitted(0.05, 0.001, loads=(1, 2, 4, 8, 16))
    assert ahead.best_in_flight == pytest.approx(true_at), "twice 16 is more"
    short = fitted(0.05, 0.001, loads=(1, 2, 4, 8, 15))
    assert (short.best, short.best_in_flight) == (None, None)


def test_no_throughput_is_told_beyond_reach() -> None:
    found = fitted(0.05, 0.001, loads=(1, 2, 4, 8, 16), noise=0.01)
    told = found.rate_rps(REACH * 16)
    assert told is not None
    assert told.low < told.value < told.high
    assert found.rate_rps(REACH * 16 + 0.01) is None
    assert found.rate_rps(0.0) is None


@pytest.mark.parametrize(
    ("loads", "levels", "spread"),
    [
        pytest.param((), 0, 0.0, id="none"),
        pytest.param((1, 2, 4), 3, 4.0, id="too few"),
        pytest.param((1, 1.01, 1.02, 2, 4), 3, 4.0, id="some as good as one"),
        pytest.param((1, 1.2, 1.44, 1.7), 4, 1.7, id="too close together"),
    ],
)
def test_too_few_loads_are_said_and_not_guessed_from(loads: tuple[float, ...], levels: int, spread: float) -> None:
    assert fit(points(0.05, 0.001, loads)) == NoFit(levels, pytest.approx(spread))


def test_points_without_load_or_answers_are_left_out() -> None:
    more = [LoadPoint(0.0, 5.0), LoadPoint(3.0, 0.0)]
    found = fit(more + points(0.05, 0.001))
    assert isinstance(found, UslFit)
    assert found.contention.value == pytest.approx(0.05, abs=1e-6)
    assert (found.lowest, found.highest) == (1, 40)
