"""The limiter against the rule it states, and against a plain model of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from system.front.limiter import WINDOW, Limiter

SECOND = 1_000_000
START = 1_800_000_000 * SECOND


def passed(limiter: Limiter, key: int, times: list[int]) -> list[bool]:
    return [limiter.allow(key, START + at) for at in times]


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        pytest.param([0] * 7, [True] * 7, id="a burst of seven passes"),
        pytest.param([0] * 8, [True] * 7 + [False], id="the eighth at once does not"),
        pytest.param([0] * 7 + [142_856], [True] * 7 + [False], id="one microsecond before its turn: too fast"),
        pytest.param([0] * 7 + [142_857], [True] * 8, id="on its turn: passes"),
        pytest.param([0] * 9 + [142_857], [True] * 7 + [False] * 2 + [True], id="a refused tap costs nothing"),
        pytest.param([0] * 7 + [SECOND] * 8, [True] * 14 + [False], id="after a second the burst is whole again"),
        pytest.param([at * 142_858 for at in range(100)], [True] * 100, id="seven a second for ever"),
        pytest.param(
            [0] * 7 + [-3600 * SECOND] * 8, [True] * 14 + [False], id="a clock that goes back locks nobody out"
        ),
    ],
)
def test_seven_a_second_with_a_burst_of_seven(times: list[int], expected: list[bool]) -> None:
    assert passed(Limiter(7, 7, 64), 85, times) == expected


def test_in_any_second_nobody_passes_more_than_fourteen_times() -> None:
    limiter = Limiter(7, 7, 64)
    times = [at for at in range(0, 5 * SECOND, 10_000) if limiter.allow(3, START + at)]
    assert max(sum(at <= other < at + SECOND for other in times) for at in times) in (13, 14)
    assert len(times) == 7 + 5 * 7 - 1


def test_users_do_not_disturb_each_other() -> None:
    limiter = Limiter(7, 7, 1 << 10)
    assert all(limiter.allow(key, START) for _ in range(7) for key in range(1 << 10))
    assert not any(limiter.allow(key, START) for key in range(1 << 10))
    assert limiter.full == 0


def test_a_full_window_refuses_and_is_taken_over_once_its_entries_have_passed() -> None:
    slots = 64
    limiter = Limiter(7, 7, slots)
    same_place = [1 + (number << 12) * slots for number in range(WINDOW + 1)]
    places = {(key ^ key >> 6 ^ key >> 12) & (slots - 1) for key in same_place}
    assert len(places) == 1
    assert [limiter.allow(key, START) for key in same_place] == [True] * WINDOW + [False]
    assert limiter.full == 1
    assert not limiter.allow(same_place[-1], START + 142_856)
    assert limiter.allow(same_place[-1], START + 142_857)
    assert limiter.full == 2


def test_a_spent_user_cannot_slip_into_a_place_that_came_free_before_his() -> None:
    limiter = Limiter(7, 7, 64)
    first, second = 1, 1 + (1 << 26)
    assert limiter.allow(first, START)
    assert passed(limiter, second, [0] * 7) == [True] * 7
    assert not limiter.allow(second, START + 142_800)
    assert limiter.allow(second, START + 142_857)
    assert not limiter.allow(second, START + 142_858)


@pytest.mark.parametrize("stride", [1, 2, 3, 1 << 11, 1 << 12, 1 << 13, 1 << 24])
def test_users_in_steps_find_their_places(stride: int) -> None:
    limiter = Limiter(7, 7, 1 << 12)
    assert all(limiter.allow(number * stride << 1, START) for number in range(1 << 10))


@pytest.mark.parametrize("slots", [0, 4, 12, 1000])
def test_a_table_that_is_no_power_of_two_is_refused(slots: int) -> None:
    with pytest.raises(ValueError, match="power of two"):
        Limiter(7, 7, slots)


@given(
    taps=st.lists(st.tuples(st.integers(0, 20), st.integers(0, 300_000)), max_size=200),
    rate=st.integers(1, 100),
    burst=st.integers(1, 20),
)
def test_equal_to_the_model(taps: list[tuple[int, int]], rate: int, burst: int) -> None:
    limiter, interval = Limiter(rate, burst, 64), SECOND // rate
    due: dict[int, int] = {}
    now = START
    for key, step in taps:
        now += step
        at = max(due.get(key, 0), now)
        expected = at - (burst - 1) * interval <= now
        if expected:
            due[key] = at + interval
        assert limiter.allow(key, now) is expected


@given(
    st.lists(
        st.tuples(st.integers(0, 400_000), st.integers(1, 4), st.booleans()), min_size=1, max_size=120
    )
)  # fmt: skip
def test_a_user_s_first_tap_since_everybody_was_new_is_never_missed(steps: list[tuple[int, int, bool]]) -> None:
    limiter, now, known = Limiter(7, 7, 8), START, set[int]()
    limiter.look_anew(now)
    for pause, key, anew in steps:
        now += pause
        if anew:
            limiter.look_anew(now)
            known.clear()
        if limiter.allow(key, now):
            assert limiter.first or key in known
            known.add(key)


def test_who_was_seen_a_second_ago_is_not_looked_at_again() -> None:
    limiter = Limiter(7, 7, 64)
    limiter.look_anew(START)
    firsts = [limiter.allow(5, START + at * 200_000) and limiter.first for at in range(600)]
    assert (firsts[0], sum(firsts)) == (True, 6), "for the burst's second every tap, then none"
