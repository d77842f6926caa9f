"""A run that is a climb: what its cannons are told, who orders its windows, and what its end means."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from harness.engine.schedule import pieces_of
from harness.errors import BadInput
from harness.forecast import share_of
from harness.guard.climb import ClimbPath, Ladder
from harness.guard.green import Colour, Why, WindowBounds, WindowGrade
from harness.guard.windows import read_windows
from harness.orchestrate.account import RoundAccount, RunAccount
from harness.orchestrate.alone import wish
from harness.orchestrate.climbed import answered, capacity_of, played_segments, reasons_of, stairs_seen, unseen_of
from harness.orchestrate.climbing import ClimbLeader, leader_of, path_of, rate_plan
from harness.orchestrate.rounds import OF_THE_WHOLE, not_evaluated
from harness.orchestrate.scribe import Scribe
from harness.orchestrate.steering import Steering
from harness.phrases import Sentence
from harness.runs.state import RunState
from harness.runs.steps import Capacity
from harness.watch.usage import UsageSample
from plans.models import LoadedPlan, find, load_plan
from plans.models.steps import Climb
from plans.models.stress import StressPlan
from plans.signals import Reading
from tests.support.plan_files import as_climb
from tests.support.sample_run import sample_lock

STEP = {"kind": "climb", "shares": ["50%", "100%"], "window": "4s", "hold": 1, "patience": 1}


def climbing() -> tuple[StressPlan, Any]:
    """The gala's plan as a climb, and one machine's share of it."""
    loaded: LoadedPlan = load_plan(find("gala-share", "stress"))
    plan = loaded.plan.model_copy(update={"steps": (Climb.model_validate(STEP),)})
    return plan, share_of(loaded.forecast, plan, Fraction(1, 10_000))


@pytest.mark.parametrize("workers", [1, 3])
def test_cannons_are_told_the_first_window_and_have_room_for_the_longest_climb(workers: int) -> None:
    plan, share = climbing()
    told, path = rate_plan(plan, share, workers, 1.5), path_of(plan, share)
    assert path is not None
    pieces = pieces_of(told["segments"])
    stretch = plan.stretch(share.duration_s)
    assert [(piece.phase, piece.duration_s) for piece in pieces] == [(0, 6.0), (1, pytest.approx(4.0 * stretch))]
    assert pieces[1].taps == pytest.approx(1.0), "one request"
    assert path.windows[0].begins_s == 6.0
    assert told["goes_on"] is True
    warm, peak = pieces[0].taps, share.peak_rps
    green = warm + 1 + 4.0 * stretch * 1.5 * peak
    longest = warm + 2 + 8.0 * stretch * 1.5 * peak
    assert told["expected"] == int(green + 1e-6)
    assert longest - 1 <= told["room"] <= longest + 7 * workers
    assert told["room"] >= longest - 1 + 6 * workers, "each worker may have one request more a window"


def test_beyond_the_peak_more_people_tap_not_faster_ones() -> None:
    plan, share = climbing()
    assert rate_plan(plan, share, 1, 1.5)["slots"] == share.tapping_at_once
    high = Climb.model_validate(STEP | {"shares": ["100%", "120%"]})
    plan = plan.model_copy(update={"steps": (high,)})
    assert rate_plan(plan, share, 1, 1.5)["slots"] == share.tapping_at_once * 6 // 5
    few = replace(share, users=share.tapping_at_once + 7)
    assert rate_plan(plan, few, 1, 1.5)["slots"] == few.users


def test_any_other_plan_is_told_whole() -> None:
    plan = load_plan(find("gala-share", "stress")).plan
    _, share = climbing()
    assert rate_plan(plan, share, 2, 1.5) == {
        "segments": tuple(plan.segments(share.peak_rps, share.duration_s)),
        "rate_headroom": 1.5,
        "slots": share.tapping_at_once,
    }
    assert leader_of(plan, share, 1, Path(), lambda kind, text: None) is None


def run_of(tmp_path: Path) -> tuple[Steering, RunState, RunAccount]:
    plan, share = climbing()
    state, account = RunState("r", "climb", "stress", "1", "", 60.0), RunAccount()
    run = Steering(state, plan, cast(Any, SimpleNamespace(gone=lambda: None)), account, Scribe(tmp_path))
    run.leader = account.climb = leader_of(plan, share, 1, tmp_path, run.tell)
    return run, state, account


def counts(at_s: float, reached: int) -> dict[str, Any]:
    return {
        "event": "counts", "at_ns": int(at_s * 1e9), "at_s": at_s, "reached": reached, "answered": reached,
        "outcomes": {"unknown": 0, "lose": reached}, "refused_by_status": {}, "lag_p99_ms": None,
        "lag_us": [[100, reached]], "response_us": [[1_000, reached]], "response_sum_us": 1_000 * reached,
    }  # fmt: skip


def lost(at_s: float) -> dict[str, Any]:
    """Nearly everything got no answer."""
    return counts(at_s, 10**7) | {"outcomes": {"unknown": 9 * 10**6, "lose": 10**6}}


def play(run: Steering, state: RunState, until_s: float) -> None:
    """A system that answers everything at once, reported twice a second."""
    assert run.leader is not None
    path = run.leader.climb
    while state.now_s < until_s:
        state.now_s += 0.5
        warm = round(min(state.now_s, 6.0) * 10)
        run.on_message(0, counts(state.now_s, warm + path.planned(state.now_s)))


def test_readings_of_the_cannons_become_windows_in_the_run_s_folder(tmp_path: Path) -> None:
    run, state, account = run_of(tmp_path)
    play(run, state, 60.0)
    assert account.climb is not None
    path = account.climb.climb
    assert (path.state.end, path.safe) == ("finish", 2)
    lines = read_windows(tmp_path)
    assert [line.version for line in lines] == [1, 2]
    assert [line.segments for line in lines] == [[window.segments()] for window in path.windows[1:]]
    kinds = [event.kind for event in state.events if event.kind != "phase"]
    assert kinds == ["window", "window", "climb_over"]
    assert reasons_of(account.climb, 35_000.0, run.why, None).failures == []


def test_a_cannon_that_refuses_a_window_ends_the_run_as_invalid(tmp_path: Path) -> None:
    run, state, account = run_of(tmp_path)
    play(run, state, 9.0)
    run.on_message(0, {"event": "error", "about": "append", "message": "window refused: window 1 comes 9 ms too late"})
    assert run.stopped() == "a cannon did not take a window: window refused: window 1 comes 9 ms too late"
    assert [reason.code for reason in account.invalid] == ["window_refused"]
    play(run, state, 60.0)
    assert account.climb is not None
    assert account.climb.climb.state.end == "stop"
    assert len(account.invalid) == 1, "told once"


def test_a_folder_that_cannot_be_written_ends_the_run(tmp_path: Path) -> None:
    run, state, account = run_of(tmp_path)
    (tmp_path / "windows.jsonl").mkdir()
    play(run, state, 60.0)
    assert run.stopped() is not None
    assert [reason.code for reason in account.invalid] == ["run_broken"]


def test_behind_a_climb_s_end_no_rule_stops_what_is_over(tmp_path: Path) -> None:
    """The last answers of a stair that was too high may come late; the load has ended already."""
    run, state, account = run_of(tmp_path)
    play(run, state, 60.0)
    state.now_s += 6.0
    run.on_message(0, lost(state.now_s))
    assert run.stopped() is None
    assert account.climb is not None
    assert account.climb.climb.state.end == "finish"


def test_a_rule_stops_a_climb_that_goes_on(tmp_path: Path) -> None:
    run, state, _ = run_of(tmp_path)
    play(run, state, 9.0)
    state.now_s += 3.0
    run.on_message(0, lost(state.now_s))
    assert str(run.stopped()).startswith("error_share")


PEAK = 80.0


def over(*colours: Colour, why: Why = "green", late: bool = False) -> ClimbLeader:
    """A climb of three stairs of one window each, which saw these colours; `why`: of the last one."""
    path = ClimbPath((1.0, 10.0, 100.0), Ladder(3, hold=1, patience=1, reds=2), 5.0, 6.0)
    leader = ClimbLeader(path, WindowBounds(0.05), 1, lambda window: None, lambda kind, text: None)
    for colour in colours:
        path.take(colour)
        leader.grade = WindowGrade(colour, why)
        leader.trouble = leader.grade if colour != "green" else leader.trouble
    leader.late = late
    return leader


@pytest.mark.parametrize(
    ("leader", "stopped", "verdict", "codes"),
    [
        pytest.param(None, None, "none", [], id="no climb"),
        pytest.param(over("green", "green", "green"), None, "none", [], id="to the top"),
        pytest.param(over("green", "red", "red", why="slow"), None, "failures", ["climb_stopped"], id="the system"),
        pytest.param(over("green", "red", "red"), "a rule", "none", [], id="the run was stopped: that is the reason"),
        pytest.param(over("unclear", "unclear", why="late"), None, "invalid", ["climb_stopped"], id="the generator"),
        pytest.param(over("unclear", "unclear", why="stale"), None, "no_data", ["climb_stopped"], id="nobody knows"),
        pytest.param(over("green"), None, "invalid", ["climb_late"], id="it was never decided"),
        pytest.param(over("green", late=True), None, "invalid", ["climb_late"], id="decided too late"),
    ],
)
def test_what_a_climb_s_end_means(
    leader: ClimbLeader | None, stopped: str | None, verdict: str, codes: list[str]
) -> None:
    found = reasons_of(leader, PEAK, stopped, {"plans_differ": False})
    for name in ("failures", "invalid", "no_data", "warnings"):
        assert [reason.code for reason in getattr(found, name)] == (codes if name == verdict else [])


@pytest.mark.parametrize("why", ["slow", "late"])
def test_an_end_above_a_peak_that_was_held_is_a_remark(why: Why) -> None:
    colour: Colour = "red" if why == "slow" else "unclear"
    leader = over("green", "green", colour, colour, why=why)
    found = reasons_of(leader, 10.0, None, None)
    assert [reason.code for reason in found.warnings] == ["climb_stopped"]
    assert [*found.failures, *found.invalid, *found.no_data] == []
    below = reasons_of(leader, 10.1, None, None)
    assert len(below.failures if why == "slow" else below.invalid) == 1
    assert below.warnings == []


@pytest.mark.parametrize(
    ("leader", "held_rps", "red_rps"),
    [
        pytest.param(over("green", "green", "green"), 100.0, None, id="to the top"),
        pytest.param(over("green", "red", "red", why="slow"), 1.0, 10.0, id="the knee is between"),
        pytest.param(over("green", "unclear", "unclear", why="late"), 1.0, None, id="nobody knows of a knee"),
        pytest.param(over("red", "red", why="errors"), None, 1.0, id="the first one"),
    ],
)
def test_the_capacity_is_what_was_held_and_what_was_red(
    leader: ClimbLeader, held_rps: float | None, red_rps: float | None
) -> None:
    assert capacity_of(leader, PEAK) == Capacity(held_rps=held_rps, red_rps=red_rps, peak_rps=PEAK)


@pytest.mark.parametrize(
    ("leader", "seen"),
    [
        pytest.param(over("green", "green", "green"), None, id="it was on top"),
        pytest.param(over("green", "red", "red", why="slow"), None, id="it was red"),
        pytest.param(over("green", "unclear", "unclear", why="late"), "unclear, the generator was late", id="late"),
        pytest.param(over("green", late=True), "a window of the climb was decided too late", id="decided too late"),
        pytest.param(over("green"), "nothing wrong, it was stopped", id="stopped below"),
    ],
)
def test_a_climb_that_ended_without_a_knee_says_what_it_saw_last(leader: ClimbLeader, seen: str | None) -> None:
    text = unseen_of(leader)
    assert text is None if seen is None else (text or "").startswith(seen)


def test_a_stair_that_was_never_green_long_enough_is_told_by_what_was_wrong() -> None:
    """Green, red, green, red …: its patience ends on a green window."""
    path = ClimbPath((1.0, 10.0), Ladder(2, hold=2, patience=1, reds=2), 5.0, 6.0)
    told: list[Sentence] = []
    leader = ClimbLeader(path, WindowBounds(0.05), 1, lambda window: None, lambda kind, text: told.append(text))
    for number, slow in enumerate((0, 9, 0)):
        at_s = path.last.decides_s
        answered = 5 + 5 * number
        quick = answered - 9 * (number > 0)
        leader.take(
            Reading(at_s, answered=answered, reached=answered, response_us=((1_000, quick), (90_000, answered - quick)),
                    seen_s=(at_s,)), at_s,
        )  # fmt: skip
        assert leader.grade is not None
        assert leader.grade.colour == ("red" if slow else "green")
    assert path.state.end == "stop"
    (reason,) = reasons_of(leader, PEAK, None, None).failures
    assert "red, slower than promised" in reason.text
    assert stairs_seen(leader) == [{"seen": "red", "held": False}]
    assert capacity_of(leader, PEAK) == Capacity(held_rps=None, red_rps=1.0, peak_rps=PEAK)


def test_each_stair_has_the_colour_of_its_last_window() -> None:
    assert stairs_seen(over("green", "unclear", "green", "red", "red", why="slow")) == [
        {"seen": "green", "held": True},
        {"seen": "green", "held": True},
        {"seen": "red", "held": False},
    ]
    assert (stairs_seen(None), capacity_of(None, PEAK)) == ([], None)


def test_where_it_ended_is_told_with_what_was_held() -> None:
    (reason,) = reasons_of(over("green", "red", "red", why="slow"), PEAK, None, None).failures
    assert reason.text == "the climb ended on stair 2 of 3 at 10/s, red, slower than promised; held: 1/s"
    (reason,) = reasons_of(over("red", "red", why="errors"), PEAK, None, None).failures
    assert reason.text.endswith("held: none")


def test_workers_that_played_other_windows_are_invalid() -> None:
    found = reasons_of(over("green", "green", "green"), PEAK, None, {"plans_differ": True})
    assert [reason.code for reason in found.invalid] == ["plans_differ"]


def test_its_steps_are_the_stairs_that_were_played() -> None:
    planned = [{"kind": "constant", "rate_rps": 3.0, "duration_s": 6.0, "phase": 0}, {"kind": "constant", "phase": 1}]
    found = played_segments(over("green", "unclear", "green", "red", "red", why="slow"), planned)
    assert found[0] == planned[0]
    assert [(one["rate_rps"], one["duration_s"]) for one in found[1:]] == [(1.0, 5.0), (10.0, 10.0), (100.0, 10.0)]


def test_what_only_a_whole_round_can_show_is_not_evaluated() -> None:
    sealed = sample_lock()
    known: dict[str, float | int | None] = {target.indicator: target.expected for target in sealed.targets}
    got = RunAccount([RoundAccount(unsettled=0)], climb=over("green", "green", "green"))
    demand = {target.indicator for target in sealed.targets if target.cls == "demand"}
    sponsors = {name for name in known if name.startswith("sponsor_")}
    assert not_evaluated(sealed, got, known) == demand | sponsors | OF_THE_WHOLE
    got.climb = over("green", "red", "red", why="slow")
    quality = {"response_p99_ms", "errors"}
    assert not_evaluated(sealed, got, known) == demand | sponsors | OF_THE_WHOLE | quality


def test_locust_by_hand_leads_no_climb(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"plan gala-share is a climb, which nobody leads here; expected xiu plan run"):
        wish(str(as_climb(tmp_path)), "", None)


def test_a_climb_s_windows_become_its_answer(tmp_path: Path) -> None:
    run, state, account = run_of(tmp_path)
    play(run, state, 60.0)
    leader = account.climb
    assert leader is not None
    plan, share = climbing()
    windows = [(look.stair, look.colour, look.rate_rps) for look in leader.looks]
    assert windows == [(number, "green", rate) for number, rate in enumerate(leader.climb.rates_rps)]
    assert [look.from_s for look in leader.looks][1:] == [look.to_s for look in leader.looks][:-1]
    last = leader.looks[-1]
    assert last.answered == pytest.approx(last.due, abs=2)
    assert last.in_flight == pytest.approx(0.001 * last.answered_rps), "a millisecond each"
    leader.usage = [UsageSample(at_s, {"front-0": 0.9 * at_s}) for at_s in (0.0, 30.0, 60.0)]
    found = answered(leader, plan, share, 2, 2)
    assert found is not None
    assert (found.held_rps, found.red_rps) == (share.peak_rps, None)
    assert found.answer is not None
    assert (found.answer.safe.value, found.answer.safe.grade) == (share.peak_rps, "measured")
    assert found.answer.cells is not None
    assert found.answer.cells.value == 28_573, "two cells: 350 M/s ÷ (17,500/s × 0.7), and one spare"
    assert found.answer.suspect.text.startswith("no end was met; next to run full: front-0, 0.90 of its 1 core")
    assert answered(None, plan, share, 1, 2) is None
