"""The schedule: exact counts, the inverse of the rate, equal bytes for equal seeds, interleaving."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.engine import schedule as module
from harness.engine.schedule import (
    NS,
    ScheduleError,
    Stretch,
    constant,
    per_second,
    pieces_of,
    ramp,
    schedule,
    spike,
    steepest,
)

rates = st.floats(0.5, 2_000)
lengths = st.floats(0.1, 5)


@pytest.mark.parametrize(
    ("pieces", "taps"),
    [
        pytest.param(constant(1000, 10), 10_000, id="a constant rate: rate times duration"),
        pytest.param(constant(0.5, 4), 2, id="less than one a second"),
        pytest.param(constant(997, 3), 2991, id="a prime rate, to the unit"),
        pytest.param(constant(0.1, 10) + constant(0.1, 10), 2, id="an integral that floats miss by a bit"),
        pytest.param(ramp(0, 1000, 10), 5000, id="a ramp from nothing: half"),
        pytest.param(ramp(1000, 0, 10), 5000, id="a ramp down to nothing: half"),
        pytest.param(constant(333.5, 1) + constant(333.5, 1), 667, id="halves of taps carry over to the next segment"),
    ],
)
def test_count(pieces, taps) -> None:  # type: ignore[no-untyped-def]
    assert len(schedule(pieces, 1)) == taps


def test_constant_is_evenly_spaced() -> None:
    assert schedule(constant(1000, 2), 1).intended_ns.tolist() == [k * 1_000_000 for k in range(2000)]


def test_ramp_is_the_inverse_of_its_integral() -> None:
    at_s = schedule(ramp(100, 300, 10), 1).intended_ns / NS
    assert np.allclose(100 * at_s + 10 * at_s**2, np.arange(2000), atol=1e-4)


def test_spike_grows_by_a_constant_factor_a_second_then_holds() -> None:
    at_s = schedule(spike(100, 3200, countdown_s=5, hold_s=2), 1).intended_ns / NS
    seconds = np.histogram(at_s, np.arange(8))[0]
    assert np.allclose(seconds[1:5] / seconds[:4], 2, rtol=0.02)
    assert seconds[5:].tolist() == [3200, 3200]


def test_poisson_is_poisson() -> None:
    gaps = np.diff(schedule(constant(2000, 20, poisson=True), 3).intended_ns)
    assert gaps.std() / gaps.mean() == pytest.approx(1, abs=0.03)
    assert len(gaps) == pytest.approx(40_000, rel=0.03)


@given(seed=st.integers(0, 2**63), a=rates, b=rates, length=lengths, poisson=st.booleans())
def test_equal_seeds_give_equal_bytes_in_order(seed: int, a: float, b: float, length: float, poisson: bool) -> None:
    pieces = ramp(a, b, length, poisson=poisson) + constant(b, length, poisson=poisson)
    first, second = schedule(pieces, seed), schedule(pieces, seed)
    assert first.intended_ns.tobytes() == second.intended_ns.tobytes()
    assert (np.diff(first.intended_ns) >= 0).all()
    assert not len(first) or 0 <= first.intended_ns[0] <= first.intended_ns[-1] <= first.duration_ns


@given(rate=rates, length=lengths, workers=st.integers(1, 7))
def test_workers_interleave(rate: float, length: float, workers: int) -> None:
    pieces = constant(rate, length) + ramp(rate, 2 * rate, length)
    parts = [schedule(pieces, 1, worker, workers).intended_ns for worker in range(workers)]
    whole = schedule(pieces, 1).intended_ns
    for worker, part in enumerate(parts):
        assert np.array_equal(part, whole[worker::workers])


def test_poisson_workers_are_independent_streams_of_their_share() -> None:
    parts = [schedule(constant(3000, 10, poisson=True), 9, worker, 3).intended_ns for worker in range(3)]
    assert [len(part) for part in parts] == pytest.approx([10_000] * 3, rel=0.05)
    assert not np.array_equal(parts[0][:100], parts[1][:100])


def test_phases_follow_their_segments() -> None:
    plan = schedule(constant(10, 1, phase=0) + constant(10, 2, phase=1), 1)
    assert plan.phase.tolist() == [0] * 10 + [1] * 20


@pytest.mark.parametrize(
    ("segments", "words"),
    [
        pytest.param([], "without segments", id="nothing to fire"),
        pytest.param([{"kind": "konstant", "rate_rps": 1, "duration_s": 1}], "unknown kind", id="a kind nobody knows"),
        pytest.param([{"rate_rps": 1, "duration_s": 0}], "lasts 0", id="no length"),
        pytest.param([{"rate_rps": -1, "duration_s": 1}], "0 or more", id="a negative rate"),
        pytest.param([{"rate_rps": 1}], "segment 1", id="a field missing"),
        pytest.param([{"rate_rps": float("nan"), "duration_s": 1}], "0 or more", id="no number"),
    ],
)
def test_bad_plans_are_refused_in_words(segments: list[dict[str, object]], words: str) -> None:
    with pytest.raises(ScheduleError, match=words):
        pieces_of(segments)


def test_a_worker_that_is_not_there() -> None:
    with pytest.raises(ScheduleError, match="worker 2 of 2"):
        schedule(constant(1, 1), 1, 2, 2)


POINTS = [[0, 0.0], [2, 400.0], [3, 0.0], [5, 0.0], [6, 300.0]]


def test_a_replay_follows_its_points_also_through_silence() -> None:
    plan = schedule(pieces_of([{"kind": "replay", "points": POINTS, "phase": 1}]), 3)
    assert np.bincount(plan.intended_ns // NS, minlength=6).tolist() == [100, 300, 200, 0, 0, 150]
    assert plan.duration_ns == 6 * NS
    random = schedule(pieces_of([{"kind": "replay", "points": POINTS, "poisson": True}]), 3)
    assert not np.any((random.intended_ns > 3 * NS) & (random.intended_ns < 5 * NS))


def test_random_arrivals_follow_from_seed_and_time_alone() -> None:
    first = {"kind": "constant", "rate_rps": 500, "duration_s": 2, "poisson": True}
    alone = schedule(pieces_of([first]), 7)
    longer = schedule(pieces_of([first, {"kind": "ramp", "from_rps": 9, "to_rps": 900, "duration_s": 3}]), 7)
    assert np.array_equal(alone.intended_ns, longer.intended_ns[: len(alone)]), "what comes later moves nothing"
    assert np.array_equal(alone.intended_ns, schedule(pieces_of([first]), 7).intended_ns)
    assert not np.array_equal(alone.intended_ns[:50], schedule(pieces_of([first]), 8).intended_ns[:50])


def test_the_planned_taps_of_a_second_are_those_of_the_schedule() -> None:
    pieces = pieces_of([
        {"kind": "constant", "rate_rps": 70, "duration_s": 1.5, "phase": 0},
        {"kind": "spike", "base_rps": 50, "peak_rps": 800, "countdown_s": 2.2, "hold_s": 1, "decay_s": 1.3, "phase": 1},
        {"kind": "replay", "points": POINTS, "phase": 1},
    ])  # fmt: skip
    counted = np.bincount(schedule(pieces, 1).intended_ns // NS, minlength=12)
    assert np.abs(per_second(pieces, measured=False) - counted).max() <= 1
    assert per_second(pieces)[0] == 0, "the warm-up is not measured"


@pytest.mark.parametrize("points", [[[0, 1.0]], [[1, 1.0], [2, 1.0]], [[0, 1.0], [0, 2.0]], [[0, 1.0], [1, -2.0]]])
def test_a_recording_without_time_is_refused(points: list[list[float]]) -> None:
    with pytest.raises(ScheduleError):
        pieces_of([{"kind": "replay", "points": points}])


@pytest.mark.parametrize(
    ("pieces", "rises"),
    [
        pytest.param(constant(7, 1), 7, id="it begins"),
        pytest.param(constant(7, 5) + constant(5, 5) + constant(9, 5), 7, id="a step down and one up"),
        pytest.param(constant(1, 5) + constant(4, 0.5) + constant(9, 5), 8, id="two steps within a second"),
        pytest.param(constant(1, 5) + constant(4, 1.5) + constant(9, 5), 5, id="and not"),
        pytest.param(ramp(0, 100, 10), 10, id="a ramp"),
        pytest.param(ramp(0, 10, 0.5), 10, id="a short one"),
        pytest.param(constant(10, 2) + ramp(10, 110, 10) + constant(200, 0.3), 100, id="a ramp and a step"),
        pytest.param(spike(10, 1000, 10, 5), 1000 - 1000 / 100**0.1, id="a spike's last second"),
        pytest.param(ramp(100, 1, 3), 100, id="downhill"),
    ],
)
def test_how_much_the_rate_rises_within_a_second(pieces: list[Stretch], rises: float) -> None:
    assert steepest(pieces) == pytest.approx(rises)


@pytest.mark.parametrize("poisson", [False, True])
@pytest.mark.parametrize(("worker", "workers"), [(0, 1), (2, 3)])
def test_a_long_plan_is_made_in_pieces_and_is_the_same(
    poisson: bool, worker: int, workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    pieces = [*constant(997, 3, poisson=poisson), *ramp(5, 500, 3, poisson=poisson, phase=1), *spike(3, 400, 2, 1)]
    at_once = schedule(pieces, 7, worker, workers)
    monkeypatch.setattr(module, "_AT_ONCE", 100)
    in_pieces = schedule(pieces, 7, worker, workers)
    assert np.array_equal(in_pieces.intended_ns, at_once.intended_ns)
    assert np.array_equal(in_pieces.phase, at_once.phase)
