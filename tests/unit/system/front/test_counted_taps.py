"""What the draw counts: taps answered 200 or 202 by round and minute, who tapped, which sponsors were shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from system.contract.ids import LANES
from system.front.draw import MINUTE_US, Draw
from system.front.glimpse import Glimpse
from tests.support.front_parts import EARLY, LATE, LIVE, NOW_US, SHUT, STRESS, Replies, StillFront, settings

MINUTE = NOW_US // MINUTE_US * MINUTE_US
Figures = tuple[int, int, set[int], dict[int, int]]


def whole(seen: Iterable[Glimpse]) -> dict[tuple[int, int], Figures]:
    """(round, minute) → taps, too fast, users, sponsors shown."""
    found: dict[tuple[int, int], Figures] = {}
    for one in seen:
        taps, fast, users, shown = found.get((one.round_id, one.minute_us), (0, 0, set(), {}))
        shown = dict(Counter(shown) + Counter(one.shown))
        found[one.round_id, one.minute_us] = taps + one.taps, fast + one.too_fast, users | set(one.users), shown
    return found


def test_answers_of_a_genuine_tap_are_counted_refusals_are_not() -> None:
    front = StillFront(packets=1)
    draw = Draw(front, settings())
    for uid, taps in ((1, 3), (2, 9)):  # user 1 wins at once; of user 2's nine taps two are too fast
        for _ in range(taps):
            draw.tap(LIVE, 0, uid, NOW_US, Replies())
    for number in (EARLY, LATE, SHUT, STRESS, 99):
        draw.tap(number, 0, 3, NOW_US, Replies())
    draw.tap(STRESS, LANES.index("stress"), 3, NOW_US, Replies())
    front.serving = False
    draw.tap(LIVE, 0, 4, NOW_US, Replies())
    assert whole(draw.take()) == {
        (LIVE, MINUTE): (3 + 7, 2, {1, 2}, {7: 3}), (STRESS, MINUTE): (1, 0, {3}, {}),
    }  # fmt: skip
    assert draw.take() == []


def test_a_win_on_its_way_is_a_tap_and_its_sponsor_is_shown_when_it_is_there() -> None:
    front = StillFront()
    win = StillFront(packets=1).live
    win.award(5, NOW_US, lambda _: None)
    front.live.pending[5] = win.settled[5]
    draw = Draw(front, settings())
    assert draw.tap(LIVE, 0, 5, NOW_US, Replies()) is None
    assert whole(draw.take()) == {(LIVE, MINUTE): (1, 0, {5}, {})}
    front.live.joined[0](win.settled[5])
    assert whole(draw.take()) == {(LIVE, MINUTE): (0, 0, set(), {7: 1})}
    assert draw.tap(LIVE, 0, 5, NOW_US, Replies()) is None
    front.live.joined[1](None)
    assert whole(draw.take()) == {(LIVE, MINUTE): (1, 0, {5}, {})}, "pending: nobody was shown"
    front.now = MINUTE + MINUTE_US
    front.live.joined[0](win.settled[5])
    assert whole(draw.take()) == {(LIVE, MINUTE + MINUTE_US): (0, 0, set(), {7: 1})}, "a minute that is over is over"


def test_minutes_and_rounds_are_told_apart_and_everybody_is_new_in_each() -> None:
    front = StillFront()
    front.live.end_us = front.rounds[EARLY].end_us = MINUTE + 10 * MINUTE_US
    front.rounds[EARLY].start_us = front.live.start_us
    draw = Draw(front, settings())
    last = MINUTE + MINUTE_US
    for at_us in (last - 1_000, last - 1, last, last + 1_000, last + MINUTE_US):
        draw.tap(LIVE, 0, 8, at_us, Replies())
    assert [figures[:3] for figures in whole(draw.take()).values()] == [(2, 0, {8}), (2, 0, {8}), (1, 0, {8})]
    for step in range(40):  # two rounds at once, tapped in turn
        draw.tap(LIVE if step % 2 else EARLY, 0, 8 + step % 6, last + 2 * MINUTE_US + step * 30_000, Replies())
    found = whole(draw.take())
    assert {key[0]: figures[:3] for key, figures in found.items()} == {
        LIVE: (20, 0, {9, 11, 13}), EARLY: (20, 0, {8, 10, 12}),
    }  # fmt: skip


def test_taking_often_loses_nobody_and_counts_nothing_twice() -> None:
    front = StillFront()
    front.live.end_us = NOW_US + 600 * 1_000_000
    draw, seen = Draw(front, settings()), list[Glimpse]()
    for step in range(2_000):
        draw.tap(LIVE, 0, step % 37, NOW_US + step * 20_000, Replies())
        if step % 5 == 0:
            seen += draw.take()
    seen += draw.take()
    found = whole(seen)
    assert sum(figures[0] for figures in found.values()) == 2_000
    assert all(figures[2] == set(range(37)) for figures in found.values())
    assert sum(len(one.users) for one in seen) < 2_000 / 4, "the path of most taps writes nobody down"
