"""The climb: every sequence of colours there is, for small ladders; and the windows that come of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise, product

import pytest

from harness.engine.schedule import pieces_of
from harness.guard.climb import LEAD_S, WINDOW_LEAST_S, ClimbPath, ClimbState, Ladder, Move, decide
from harness.guard.green import Colour

COLOURS: tuple[Colour, ...] = ("green", "unclear", "red")
LADDERS = [
    Ladder(stairs, hold, patience, reds)
    for stairs, hold, patience, reds in product((1, 2, 3), (1, 2), (0, 1, 2), (1, 2))
    if stairs * (hold + patience) <= 9
]
G, U, R = COLOURS


def moves(ladder: Ladder, colours: Sequence[Colour]) -> list[Move]:
    """Until the end of the climb, or of the colours."""
    state, out = ClimbState(), list[Move]()
    for colour in colours:
        if state.end is not None:
            break
        made = decide(ladder, state, colour)
        state = made.state
        out.append(made.move)
    return out


def climbs(ladder: Ladder) -> Iterator[tuple[tuple[Colour, ...], list[Move]]]:
    """Every climb of a ladder, whole: each sequence of colours up to its end, once."""
    open_ = [((), ClimbState(), list[Move]())]
    while open_:
        colours, state, made = open_.pop()
        for colour in COLOURS:
            after = decide(ladder, state, colour)
            path = ((*colours, colour), after.state, [*made, after.move])
            if after.state.end is None:
                open_.append(path)
            else:
                yield path[0], path[2]


@pytest.mark.parametrize("ladder", LADDERS, ids=str)
def test_every_climb_there_is(ladder: Ladder) -> None:
    count = 0
    for colours, made in climbs(ladder):
        count += 1
        assert len(made) == len(colours) <= ladder.most, "it ends, whatever is seen"
        assert made[-1] in ("finish", "stop")
        assert not {"finish", "stop"} & {*made[:-1]}, "once"
        begun = 0
        for number, move in enumerate(made):
            seen = colours[begun : number + 1]
            held = len(seen) >= ladder.hold and set(seen[-ladder.hold :]) == {G}
            over = len(seen) >= ladder.hold + ladder.patience
            reds = len(seen) >= ladder.reds and set(seen[-ladder.reds :]) == {R}
            assert (move in ("advance", "finish")) == held, "up, or done, only behind a whole hold of green"
            assert (move == "stop") == (not held and (over or reds))
            assert move != "hold" or seen[-1] == G
            assert move != "stay" or seen[-1] != G
            begun = number + 1 if move == "advance" else begun
        assert (made[-1] == "finish") == (made.count("advance") == ladder.stairs - 1 and colours[-1] == G and held)
        assert moves(ladder, colours) == made, "the same colours, the same moves"
    assert count >= len(COLOURS)


@pytest.mark.parametrize("ladder", LADDERS, ids=str)
def test_a_window_that_is_not_green_never_brings_a_climb_further_up(ladder: Ladder) -> None:
    for colours, made in climbs(ladder):
        for at, colour in enumerate(colours):
            if colour != G:
                continue
            for worse in (U, R):
                other = moves(ladder, (*colours[:at], worse, *colours[at + 1 :]))
                assert other[: at + 1].count("advance") <= made[: at + 1].count("advance")


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("ladder", LADDERS, ids=str)
def test_who_must_end_ends_whatever_is_seen(ladder: Ladder, colour: Colour) -> None:
    made = decide(ladder, ClimbState(green=ladder.hold - 1, windows=ladder.hold - 1), colour, halted=True)
    assert (made.move, made.state.end) == ("stop", "stop")
    with pytest.raises(ValueError, match="the climb has ended: stop"):
        decide(ladder, made.state, "green")


@pytest.mark.parametrize(
    ("colours", "expected"),
    [
        pytest.param([G, G, G, G], ["hold", "advance", "hold", "finish"], id="green all the way"),
        pytest.param([G, U, G, G], ["hold", "stay", "hold", "advance"], id="no data between: held anew"),
        pytest.param([U, U, U, U], ["stay", "stay", "stay", "stop"], id="no data at all is never green"),
        pytest.param([G, R, G, G], ["hold", "stay", "hold", "advance"], id="one red window may be chance"),
        pytest.param([R, R], ["stay", "stop"], id="two of them are not"),
        pytest.param([R, U, R, U], ["stay", "stay", "stay", "stop"], id="two, but not in a row: until patience ends"),
        pytest.param([G, G, R, R], ["hold", "advance", "stay", "stop"], id="red on the second stair"),
    ],
)
def test_two_stairs_of_two_windows(colours: list[Colour], expected: list[Move]) -> None:
    assert moves(Ladder(stairs=2, hold=2, patience=2, reds=2), colours) == expected


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"stairs": 0}, id="no stair"),
        pytest.param({"stairs": 1, "hold": 0}, id="held for nothing"),
        pytest.param({"stairs": 1, "patience": -1}, id="less than no patience"),
        pytest.param({"stairs": 1, "reds": 0}, id="red before anything was seen"),
    ],
)
def test_a_ladder_that_nobody_can_climb_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="expected 1 or more of each"):
        Ladder(**wrong)


RATES = (0.2, 10.0, 100.0)


def climb(ladder: Ladder | None = None) -> ClimbPath:
    return ClimbPath(RATES, ladder or Ladder(stairs=3, hold=2, patience=1), window_s=5.0, begins_s=6.0)


def test_windows_follow_each_other_without_a_gap_and_stand_once_they_are_ordered() -> None:
    for colours in product(COLOURS, repeat=6):
        one = climb()
        for colour in colours:
            stood = list(one.windows)
            if one.state.end is not None:
                break
            after = one.take(colour)
            assert one.windows == ([*stood, after] if after else stood), "no answer moves a window that stands"
        assert [window.version for window in one.windows] == list(range(len(one.windows)))
        for before, window in pairwise(one.windows):
            assert window.begins_s == before.ends_s
            assert before.decides_s == window.begins_s - LEAD_S <= window.begins_s - 1, "at least a second ahead"
            assert window.stair - before.stair in (0, 1)
            assert window.rate_rps == RATES[window.stair]


def test_from_one_request_to_the_top() -> None:
    one = climb()
    while one.state.end is None:
        one.take("green")
    assert [window.rate_rps for window in one.windows] == [0.2, 0.2, 10.0, 10.0, 100.0, 100.0]
    assert [move for _, _, move in one.moves] == ["hold", "advance", "hold", "advance", "hold", "finish"]
    assert [(window.begins_s, window.ends_s) for window in one.windows][:2] == [(6.0, 11.0), (11.0, 16.0)]
    assert one.safe == 2
    [piece] = pieces_of(one.windows[0].segments())
    assert (piece.taps, piece.duration_s, piece.phase) == (1.0, 5.0, 1), "the first window is one request"


def test_what_is_safe_is_the_last_stair_that_was_held() -> None:
    one = climb(Ladder(stairs=3, hold=1, patience=0))
    assert one.safe is None
    one.take("green")
    assert one.take("red") is None
    assert (one.state.end, one.safe) == ("stop", 0)


def test_a_decision_is_due_once_for_each_window() -> None:
    one = climb()
    assert not one.due(8.9)
    assert one.due(9.0)
    one.take("green")
    assert not one.due(9.0), "the next one is due a window later"
    assert one.due(14.0)
    one.take("green", halted=True)
    assert not one.due(100.0)


def test_there_is_room_for_the_longest_climb() -> None:
    one = climb()
    for colour in ("unclear", *"gg", "unclear", *"gg", "unclear", *"gg"):
        one.take("green" if colour == "g" else "unclear")
    assert one.state.end == "finish"
    assert sum(piece.taps for window in one.windows for piece in pieces_of(window.segments())) == one.taps_most


@pytest.mark.parametrize(
    ("rates", "window_s", "says"),
    [
        pytest.param((1.0, 2.0), 5.0, "2 rates for 3 stairs", id="a stair without a rate"),
        pytest.param((1.0, 0.0, 2.0), 5.0, "expected one above 0", id="a stair without load"),
        pytest.param(RATES, WINDOW_LEAST_S - 0.1, "to see and to decide", id="a window that is over when it is seen"),
    ],
)
def test_a_climb_that_cannot_be_played_is_refused(rates: tuple[float, ...], window_s: float, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        ClimbPath(rates, Ladder(stairs=3), window_s)
