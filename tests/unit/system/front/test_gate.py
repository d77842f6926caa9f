"""When packets leave: never early, spread by the seed, at most twice the pace after a pause."""

from __future__ import annotations

from itertools import pairwise

import pytest

from system.contract.routing import share
from system.front.gate import Gate
from system.front.seam import NEVER

SEED = bytes(32)
START, RELEASE, QUOTA = 1_000_000_000, 10_000_000, 100
GAP = RELEASE // QUOTA


def gate(seed: bytes = SEED, front: int = 0, quota: int = QUOTA) -> Gate:
    return Gate(start_us=START, release_us=RELEASE, quota=quota, seed=seed, front=front)


def awards_until(made: Gate, until_us: int, k: int = 0, last_us: int = 0, from_us: int = START) -> list[int]:
    """Times of the awards when somebody taps every millisecond."""
    times: list[int] = []
    for now in range(from_us, until_us, 1000):
        if made.opening(k + len(times), times[-1] if times else last_us) <= now:
            times.append(now)
    return times


@pytest.mark.parametrize(
    ("packets", "fronts", "shares"),
    [
        pytest.param(10, 1, [10], id="one front has it all"),
        pytest.param(10, 3, [4, 3, 3], id="the first fronts take what is left over"),
        pytest.param(2, 4, [1, 1, 0, 0], id="fewer packets than fronts: some have none"),
    ],
)
def test_shares_add_up(packets: int, fronts: int, shares: list[int]) -> None:
    assert [share(packets, front, fronts) for front in range(fronts)] == shares
    assert sum(shares) == packets


def test_no_packet_leaves_before_its_time_and_none_before_the_start() -> None:
    made = gate()
    for k in range(QUOTA):
        jitter = made.jitter(k)
        assert 0 <= jitter < 1
        due = START + (k + jitter) * GAP
        assert due <= made.opening(k, 0) < due + 1
    assert made.opening(0, 0) >= START


def test_the_share_is_a_limit_also_when_it_is_nothing() -> None:
    assert gate().opening(QUOTA, 0) == NEVER
    assert gate(quota=0).opening(0, 0) == NEVER


def test_jitter_is_decided_by_seed_and_front() -> None:
    first = [gate().jitter(k) for k in range(20)]
    assert first == [gate().jitter(k) for k in range(20)]
    assert first != [gate(front=1).jitter(k) for k in range(20)]
    assert first != [gate(seed=bytes([1]) * 32).jitter(k) for k in range(20)]
    assert len(set(first)) == 20


def test_at_full_pace_the_share_is_gone_at_the_end_of_the_release_and_not_before() -> None:
    times = awards_until(gate(), START + RELEASE + 2 * GAP)
    assert len(times) == QUOTA
    halves = [sum(time < START + RELEASE / 2 for time in times), sum(time >= START + RELEASE / 2 for time in times)]
    assert halves == [pytest.approx(50, abs=2)] * 2
    assert times[-1] >= START + RELEASE - GAP


def test_after_a_pause_openings_come_back_at_no_more_than_twice_the_pace() -> None:
    pause_end = START + RELEASE // 2
    times = awards_until(gate(), START + RELEASE + GAP, from_us=pause_end)
    assert times[0] == pause_end, "the first tap after the pause wins"
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert min(gaps) >= GAP // 2
    assert len(times) == pytest.approx(QUOTA, abs=2), "and all of it is caught up"


@pytest.mark.parametrize(("percent", "expected"), [(50, 25), (100, 50), (200, 100), (1, 0)])
def test_the_pace_scales_what_leaves(percent: int, expected: int) -> None:
    made = gate()
    made.set_pace(percent, START)
    assert len(awards_until(made, START + RELEASE // 2)) == pytest.approx(expected, abs=1)


def test_a_change_of_pace_leaves_the_past_as_it_was() -> None:
    made = gate()
    middle = START + RELEASE // 2
    first = awards_until(made, middle)
    made.set_pace(50, middle)
    second = awards_until(made, middle + RELEASE // 2, len(first), first[-1], middle)
    assert (len(first), len(second)) == (pytest.approx(50, abs=2), pytest.approx(25, abs=2))
    assert second[0] - middle <= 4 * GAP, "neither shut for as long as it was quick"


@pytest.mark.parametrize(
    ("k", "percent", "opening"),
    [
        pytest.param(50, 100, 0, id="just on time: goes on"),
        pytest.param(20, 100, 0, id="behind: the next tap wins"),
        pytest.param(50, 50, 0, id="slowed down lately: is not shut until the slow pace has caught up"),
        pytest.param(90, 100, 40 * GAP, id="ahead: waits for its time"),
    ],
)
def test_a_restart_in_mid_round_takes_up_the_pace(k: int, percent: int, opening: int) -> None:
    made = gate()
    now = START + RELEASE // 2
    made.resume(k, percent, now)
    wait = max(0, made.opening(k, 0) - now)
    assert opening <= wait <= opening + 2 * GAP


def test_a_pace_set_before_the_start_counts_from_the_start() -> None:
    made = gate()
    made.set_pace(50, START - 60_000_000)
    assert START <= made.opening(0, 0) <= START + 2 * GAP
    made.resume(0, 100, START - 60_000_000)
    assert START <= made.opening(0, 0) <= START + GAP
