"""The authority's time as the front takes it: a slow round trip confirms, and moves nothing."""

from __future__ import annotations

import pytest

from system.clock import AuthorityClock
from system.front.sync import feed

KNOWN_OFFSET_US = 5_000_000


def known() -> AuthorityClock:
    clock = AuthorityClock(monotonic=lambda: 1_000_000)
    feed(clock, 1_000_000 + KNOWN_OFFSET_US, 1_000_000, 1_000_000)
    return clock


@pytest.mark.parametrize(
    ("late_us", "trip_us", "moved_us", "trusted"),
    [
        pytest.param(300, 1_000, 300, True, id="a quick reading moves the clock"),
        pytest.param(400_000, 1_000_000, 0, True, id="frozen for a second: possible, so nothing moves"),
        pytest.param(-400_000, 1_000_000, 0, True, id="frozen on the way back: the same"),
        pytest.param(60_000, 1_000, 0, False, id="a jump of more than 50 ms: not trusted until confirmed"),
        pytest.param(900_000, 1_000_000, 0, False, id="a jump that no round trip explains"),
    ],
)
def test_a_reading(late_us: int, trip_us: int, moved_us: int, trusted: bool) -> None:
    clock = known()
    sent = 1_000_000
    feed(clock, sent + trip_us // 2 + KNOWN_OFFSET_US + late_us, sent, sent + trip_us)
    assert clock.offset_us == KNOWN_OFFSET_US + moved_us
    assert clock.trusted is trusted


def test_the_first_reading_counts_however_slow_it_was() -> None:
    clock = AuthorityClock(monotonic=lambda: 1_000_000)
    feed(clock, 9_000_000, 1_000_000, 2_000_000)
    assert clock.trusted
    assert clock.offset_us == 7_500_000


def test_a_quick_reading_behind_a_slow_first_one_is_no_jump() -> None:
    clock = AuthorityClock(monotonic=lambda: 2_000_000)
    feed(clock, 9_000_000, 1_000_000, 2_000_000)
    feed(clock, 9_900_000, 2_000_000, 2_000_400)
    assert (clock.trusted, clock.jumps) == (True, 0)
    assert clock.offset_us == 7_899_800
    feed(clock, 9_960_200, 2_000_000, 2_000_400)
    assert (clock.trusted, clock.jumps) == (False, 1), "by the better reading, 60 ms are a jump again"


@pytest.mark.parametrize(
    ("trips_us", "later_us", "uncertain_us"),
    [
        pytest.param([], 0, None, id="never read: unknown"),
        pytest.param([1_000], 0, 500, id="half the round trip"),
        pytest.param([1_000], 10_000_000, 2_500, id="and what two clocks may go apart since"),
        pytest.param([200_000], 0, 100_000, id="a slow first reading"),
        pytest.param([200_000, 2_000], 0, 1_000, id="a quick one is better"),
        pytest.param([2_000, 200_000], 0, 1_000, id="a slow one that only confirms takes nothing back"),
        pytest.param([1_000], 31_000_000, None, id="too old: unknown"),
    ],
)
def test_how_uncertain_the_time_is(trips_us: list[int], later_us: int, uncertain_us: int | None) -> None:
    now = [1_000_000]
    clock = AuthorityClock(monotonic=lambda: now[0])
    for trip in trips_us:
        feed(clock, now[0] + trip // 2 + KNOWN_OFFSET_US, now[0], now[0] + trip)
    now[0] += (trips_us or [0])[-1] + later_us
    found = clock.uncertain_us
    # The drift within the second reading's own trip is a few microseconds.
    assert found == uncertain_us or (found is not None and uncertain_us is not None and 0 <= found - uncertain_us <= 50)


def test_a_jump_makes_the_time_unknown_until_two_readings_agree() -> None:
    clock = known()
    feed(clock, 1_000_000 + KNOWN_OFFSET_US + 60_000, 1_000_000, 1_000_000)
    assert clock.uncertain_us is None
    feed(clock, 1_000_000 + KNOWN_OFFSET_US + 60_000, 1_000_000, 1_000_400)
    assert clock.uncertain_us == 200
