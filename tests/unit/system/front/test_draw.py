"""The order of the checks of a tap, row by row: of two reasons to refuse the earlier one is given."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from system.contract.ids import LANES, Lane
from system.contract.routing import front_of
from system.contract.switches import tables
from system.front import answers
from system.front.draw import Draw
from system.front.metrics import TAP_KINDS
from system.front.seam import NEVER, SettledWin
from tests.support.front_parts import EARLY, LATE, LIVE, NOW_US, SHUT, STRESS, Replies, StillFront, settings

UID = 42
WON = SettledWin(packet=5, fen=100, sponsor=1, time_us=NOW_US)


def settled(front: StillFront, *rounds: int) -> None:
    for number in rounds:
        front.rounds[number].settled[UID] = WON


def switch(key: str, value: int, *lanes: Lane) -> Callable[[StillFront], None]:
    def change(front: StillFront) -> None:
        front.switches = tables(each={lane: {key: value} for lane in lanes or LANES})

    return change


def not_knowing(front: StillFront) -> None:
    front.knows = lambda _: False  # type: ignore[method-assign]


def not_serving(front: StillFront) -> None:
    front.serving = False


@pytest.mark.parametrize(
    ("round_id", "lane", "prepare", "status", "code"),
    [
        pytest.param(LIVE, 0, None, 200, "lose", id="an open round without an opening: loses"),
        pytest.param(STRESS, 1, None, 200, "lose", id="the same on the stress lane"),
        pytest.param(99, 0, None, 404, "unknown_round", id="unknown round"),
        pytest.param(STRESS, 0, None, 404, "unknown_round", id="a stress round does not exist for the live lane"),
        pytest.param(LIVE, 1, None, 404, "unknown_round", id="a live round does not exist for the stress lane"),
        pytest.param(99, 0, not_serving, 503, "degraded", id="not serving: nothing is known"),
        pytest.param(99, 0, not_knowing, 503, "degraded", id="a round nobody has told of yet"),
        pytest.param(STRESS, 0, not_knowing, 404, "unknown_round", id="a known round keeps its lane"),
        pytest.param(LIVE, 0, not_knowing, 200, "lose", id="a known round goes on, whatever else there may be"),
        pytest.param(LIVE, 0, not_serving, 503, "degraded", id="superseded or stopping"),
        pytest.param(EARLY, 0, None, 409, "not_open", id="not begun"),
        pytest.param(LATE, 0, None, 410, "round_over", id="ended: the window is half open"),
        pytest.param(SHUT, 0, None, 410, "round_over", id="closed in the ledger, though within its window"),
        pytest.param(SHUT, 0, lambda f: settled(f, SHUT), 410, "round_over", id="closed: not even to its winners"),
        pytest.param(LATE, 0, lambda f: settled(f, LATE), 200, "repeat", id="a winner is told so after the end"),
        pytest.param(EARLY, 0, lambda f: settled(f, EARLY), 200, "repeat", id="whatever the window says"),
        pytest.param(LIVE, 0, switch("draw.shed_percent", 100), 503, "degraded", id="shed"),
        pytest.param(EARLY, 0, switch("draw.shed_percent", 100), 409, "not_open", id="the window before shedding"),
        pytest.param(STRESS, 1, switch("stress.accept", 0), 503, "degraded", id="stress traffic not accepted"),
        pytest.param(LIVE, 0, switch("stress.accept", 0), 200, "lose", id="which does not touch the live lane"),
        pytest.param(LIVE, 0, switch("draw.shed_percent", 100, "stress"), 200, "lose", id="stress shed, live not"),
        pytest.param(STRESS, 1, switch("draw.shed_percent", 100, "stress"), 503, "degraded", id="stress shed"),
        pytest.param(STRESS, 1, switch("draw.shed_percent", 100, "live"), 200, "lose", id="live shed, stress not"),
    ],
)
def test_what_becomes_of_a_tap(
    round_id: int, lane: int, prepare: Callable[[StillFront], None] | None, status: int, code: str
) -> None:
    front = StillFront()
    draw = Draw(front, settings())
    if prepare is not None:
        prepare(front)
    answer = draw.tap(round_id, lane, UID, NOW_US, Replies())
    assert answer is not None
    assert (answer.status, TAP_KINDS[answer.kind]) == (status, code)


@pytest.mark.parametrize(
    ("at_us", "status"),
    [
        pytest.param(-1_000, 409, id="a millisecond before the start"),
        pytest.param(-1, 409, id="a microsecond before"),
        pytest.param(0, 200, id="the start belongs to the round"),
        pytest.param(1_000, 200, id="a millisecond after it"),
        pytest.param(60_000_000 - 1_000, 200, id="a millisecond before the end"),
        pytest.param(60_000_000 - 1, 200, id="a microsecond before"),
        pytest.param(60_000_000, 410, id="the end does not"),
        pytest.param(60_000_000 + 1_000, 410, id="a millisecond after it"),
    ],
)
def test_the_window_is_half_open(at_us: int, status: int) -> None:
    front = StillFront(packets=9)
    start_us = front.live.start_us
    front.live.end_us = start_us + 60_000_000
    replies = Replies()
    answer = Draw(front, settings()).tap(LIVE, 0, UID, start_us + at_us, replies)
    assert (answer or replies.got[0]).status == status
    assert front.live.settled.keys() == ({UID} if status == 200 else set()), "a win within the window alone"


def test_not_open_says_when() -> None:
    answer = Draw(StillFront(), settings()).tap(EARLY, 0, UID, NOW_US, Replies())
    assert answer is not None
    assert b'"starts_in_ms":2000' in answer.keep


def test_a_foreign_user_is_told_so_before_anything_of_the_round() -> None:
    limits = settings(fronts=3, front=1)
    draw = Draw(StillFront(), limits)
    got = {uid: draw.tap(LATE, 0, uid, NOW_US, Replies()) for uid in range(60)}
    expected = {uid: answers.ROUND_OVER if front_of(uid, limits.topology) == 1 else answers.FOREIGN_USER for uid in got}
    assert got == expected
    assert set(got.values()) == {answers.ROUND_OVER, answers.FOREIGN_USER}


def test_too_fast_is_the_last_check_and_a_repeat_never_meets_it() -> None:
    front = StillFront()
    draw = Draw(front, settings())
    got = [draw.tap(LIVE, 0, UID, NOW_US, Replies()) for _ in range(8)]
    assert [answer.status for answer in got if answer] == [200] * 7 + [429]
    assert draw.tap(LATE, 0, UID, NOW_US, Replies()) is answers.ROUND_OVER
    settled(front, LIVE)
    repeat = draw.tap(LIVE, 0, UID, NOW_US, Replies())
    assert repeat is not None
    assert b'"repeat":true' in repeat.keep


def test_refused_taps_do_not_count_against_the_limit() -> None:
    front = StillFront()
    draw = Draw(front, settings())
    for round_id in (99, EARLY, LATE, SHUT) * 5:
        draw.tap(round_id, 0, UID, NOW_US, Replies())
    got = [draw.tap(LIVE, 0, UID, NOW_US, Replies()) for _ in range(7)]
    assert [answer.status for answer in got if answer] == [200] * 7


def test_the_lanes_limits_are_apart() -> None:
    draw = Draw(StillFront(), settings())
    for _ in range(7):
        draw.tap(LIVE, 0, UID, NOW_US, Replies())
    other = draw.tap(STRESS, 1, UID, NOW_US, Replies())
    assert other is not None
    assert other.status == 200


def test_the_first_eligible_tap_takes_the_opening_and_the_next_one_sees_it_again() -> None:
    front, replies = StillFront(packets=1), Replies()
    draw = Draw(front, settings())
    assert draw.tap(LIVE, 0, UID, NOW_US, replies) is None
    assert replies.got == [answers.won(LIVE, front.live.settled[UID], repeat=False)]
    again = draw.tap(LIVE, 0, UID, NOW_US, replies)
    assert again == answers.won(LIVE, front.live.settled[UID], repeat=True)
    loser = draw.tap(LIVE, 0, UID + 1, NOW_US, replies)
    assert loser is not None
    assert loser.status == 200
    assert front.live.asked == [UID, UID + 1]


def test_before_the_opening_nobody_is_asked_for() -> None:
    front = StillFront(packets=1)
    front.live.opening_us = NOW_US + 1
    draw = Draw(front, settings())
    assert draw.tap(LIVE, 0, UID, NOW_US, Replies()) is not None
    assert front.live.asked == []
    assert draw.tap(LIVE, 0, UID, NOW_US + 1, Replies()) is None


def test_with_awards_switched_off_no_packet_leaves() -> None:
    front = StillFront(packets=1)
    draw = Draw(front, settings())
    switch("draw.award", 0)(front)
    assert draw.tap(LIVE, 0, UID, NOW_US, Replies()) is not None
    assert not front.touched
    switch("draw.award", 1)(front)
    assert draw.tap(LIVE, 0, UID, NOW_US, Replies()) is None


def test_a_tap_of_a_pending_user_shares_its_answer_whatever_the_window_says() -> None:
    front, replies = StillFront(), Replies()
    draw = Draw(front, settings())
    front.live.pending[UID] = WON
    for at in (NOW_US, front.live.end_us):
        assert draw.tap(LIVE, 0, UID, at, replies) is None
    first, second = front.live.joined
    first(WON)
    second(None)
    assert replies.got == [answers.won(LIVE, WON, repeat=True), answers.PENDING]


def test_about_the_asked_share_is_shed() -> None:
    front = StillFront()
    draw = Draw(front, settings())
    switch("draw.shed_percent", 30)(front)
    shed = sum(draw.tap(LIVE, 0, uid, NOW_US, Replies()) is answers.DEGRADED for uid in range(2000))
    assert 450 < shed < 750


def test_a_stopping_draw_refuses() -> None:
    draw = Draw(StillFront(packets=1), settings())
    draw.stopping = True
    assert draw.tap(LIVE, 0, UID, NOW_US, Replies()) is answers.DEGRADED
    assert NEVER > NOW_US
