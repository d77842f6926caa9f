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
