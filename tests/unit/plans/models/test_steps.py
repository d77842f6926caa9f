"""Steps of a load: stairs, a replayed recording, and curves of a journey's own; bad recordings told row by row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.engine.schedule import NS, pieces_of, schedule
from plans.models import LoadedPlan, PlanError, StressPlan, find, load_plan

SMOKE = find("smoke", "stress")
STEP = "  - {kind: constant, share: 100%, duration: 5s}"
SHOTS = {"tap", "wallet"}


def plan_with(folder: Path, steps: str = STEP, more: str = "") -> Path:
    """The smoke plan with other steps."""
    text = SMOKE.read_text(encoding="utf-8").replace("../forecasts", str(SMOKE.parents[1] / "forecasts"))
    file = folder / "mine.yaml"
    file.write_text(text.replace("id: smoke", "id: mine").replace(STEP, steps) + more, encoding="utf-8")
    return file


def loaded(folder: Path, steps: str = STEP, more: str = "") -> LoadedPlan:
    return load_plan(plan_with(folder, steps, more), SHOTS)


def measured(plan: StressPlan, peak_rps: float = 100.0) -> list[dict[str, Any]]:
    return [segment for segment in plan.segments(peak_rps) if segment["phase"] == 1]


def problems(folder: Path, steps: str = STEP, more: str = "") -> list[str]:
    with pytest.raises(PlanError) as caught:
        loaded(folder, steps, more)
    return [str(problem) for problem in caught.value.problems]


def test_stairs_are_one_constant_rate_after_the_other(tmp_path: Path) -> None:
    plan = loaded(tmp_path, "  - {kind: stairs, shares: [10%, 50%, 100%], hold: 1s, arrivals: poisson}").plan
    assert plan.measured_s == 3
    assert [(one["rate_rps"], one["duration_s"], one["poisson"]) for one in measured(plan)] == [
        (10.0, 1.0, True), (50.0, 1.0, True), (100.0, 1.0, True),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("step", "says"),
    [
        pytest.param("shares: [100%], hold: 1s", "at least 2", id="one stair is a constant"),
        pytest.param("shares: [50%, 90%], hold: 1s", "no step reaches the peak", id="no peak"),
        pytest.param("shares: [50%, 0%], hold: 1s", "greater than 0", id="a stair of nothing"),
        pytest.param("shares: [50%, 100%], hold: 13h", "longer than a day", id="more than a day"),
        pytest.param("shares: [50%, 100%], hold: 4s", "the round closes", id="longer than the round"),
        pytest.param("share: [50%, 100%], hold: 1s", "did you mean shares?", id="a key's name"),
    ],
)
def test_broken_stairs_are_told_in_their_line(tmp_path: Path, step: str, says: str) -> None:
    told = problems(tmp_path, f"  - {{kind: stairs, {step}}}")
    assert any("mine.yaml:1" in one and says in one for one in told), told


REPLAY = "  - {kind: replay, recording: day.csv}"
DAY = "time,rate\n100,30\n102,60\n\n104,60\n105,0\n"


def test_a_recording_is_played_by_its_shape_with_its_highest_rate_as_the_peak(tmp_path: Path) -> None:
    (tmp_path / "day.csv").write_text(DAY)
    plan = loaded(tmp_path, REPLAY).plan
    (segment,) = measured(plan, 1000.0)
    assert segment["points"] == [[0.0, 500.0], [2.0, 1000.0], [4.0, 1000.0], [5.0, 0.0]]
    taps = schedule(pieces_of([segment]), 1)
    assert len(taps) == 1500 + 2000 + 500
    per_s = np.bincount(taps.intended_ns // NS)
    assert per_s.tolist() == [625, 875, 1000, 1000, 500]


def test_a_recording_can_be_played_in_another_time_and_up_to_a_part_of_the_peak(tmp_path: Path) -> None:
    (tmp_path / "day.csv").write_text(DAY)
    plan = loaded(
        tmp_path, f"{STEP.replace('5s', '1s')}\n  - {{kind: replay, recording: day.csv, peak: 50%, duration: 2s500ms}}"
    )
    assert plan.plan.measured_s == 3.5
    assert measured(plan.plan)[1]["points"] == [[0.0, 25.0], [1.0, 50.0], [2.0, 50.0], [2.5, 0.0]]


def test_a_recording_may_have_dates(tmp_path: Path) -> None:
    (tmp_path / "day.csv").write_text(
        '"Time","taps"\n2016-02-07 20:36:00,1\n2016-02-07T20:36:02.5,2\n2016-02-07T20:36:03+00:00,1\n'
    )
    assert [at for at, _ in measured(loaded(tmp_path, REPLAY).plan)[0]["points"]] == [0.0, 2.5, 3.0]


def test_a_locked_plan_with_a_recording_is_read_back_without_its_file(tmp_path: Path) -> None:
    (tmp_path / "day.csv").write_text(DAY)
    plan = loaded(tmp_path, REPLAY).plan
    (tmp_path / "day.csv").unlink()
    assert StressPlan.model_validate(plan.model_dump(mode="json"), context={"parsed": True}) == plan


def test_every_bad_row_of_a_recording_is_told_at_its_line_beside_the_plan_s_own_mistakes(tmp_path: Path) -> None:
    (tmp_path / "day.csv").write_text("time,rate\n1,2\n2,-3\n2,fast\nnoon,4\n3,4,5\n0,1\n")
    told = problems(tmp_path, REPLAY, "lanes: live\n")
    day = tmp_path / "day.csv"
    assert [one.split("; ")[0] for one in told if str(day) in one] == [
        f"{day}:3: '-3' is no rate",
        f"{day}:4: 'fast' is no rate",
        f"{day}:5: 'noon' is no time",
        f"{day}:6: 3 columns",
        f"{day}:7: '0' is not later than the row before",
    ]
    assert any("unknown key `lanes`" in one for one in told)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param("1,2\n2,3\n", "day.csv:1: figures in the first row", id="no header"),
        pytest.param("time,rate\n1,2\n", "1 rows of figures", id="one row"),
        pytest.param("", "0 rows of figures", id="nothing"),
        pytest.param("time,rate\n1,0\n2,0\n", "every rate is 0", id="silence"),
        pytest.param("time,rate\n0,1\n86401,1\n", "longer than a day", id="more than a day"),
        pytest.param("time,rate\n1,nan\n2,3\n", "'nan' is no rate", id="not a number"),
        pytest.param('time,rate\n1,"2\n', "not CSV", id="an open quotation"),
    ],
)
def test_what_is_no_recording_is_refused(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "day.csv").write_text(text)
    assert any(says in one for one in problems(tmp_path, REPLAY))


def test_a_recording_that_is_not_there_is_told_in_the_plan_with_the_name_that_was_meant(tmp_path: Path) -> None:
    (tmp_path / "days.csv").write_text(DAY)
    (only,) = problems(tmp_path, REPLAY)
    assert "mine.yaml:1" in only
    assert only.endswith("expected a CSV file relative to this one; did you mean days.csv?")


WALLET = "traffic:\n  - {{shot: tap, share: 100%}}\n  - {{shot: wallet, {}}}\n"


def test_a_journey_may_have_a_curve_of_its_own(tmp_path: Path) -> None:
    own = "[{kind: ramp, from: 10%, to: 100%, duration: 2s}, {kind: constant, share: 5%, duration: 1s}]"
    plan = loaded(tmp_path, more=WALLET.format(f"share: 20%, steps: {own}")).plan
    assert plan.segments_of(plan.beside[0], 100.0, 1.0) == [
        {"kind": "constant", "rate_rps": 20.0, "duration_s": 1.0, "phase": 0},
        {"kind": "ramp", "from_rps": 2.0, "to_rps": 20.0, "duration_s": 2.0, "poisson": False, "phase": 1},
        {"kind": "constant", "rate_rps": 1.0, "duration_s": 1.0, "poisson": False, "phase": 1},
    ]


@pytest.mark.parametrize("rate", ["share: 20%", "rate: 5000/s"])
def test_a_journey_may_arrive_at_random_beside_even_taps(tmp_path: Path, rate: str) -> None:
    plan = loaded(tmp_path, more=WALLET.format(f"{rate}, arrivals: poisson")).plan
    assert {one["poisson"] for one in plan.segments_of(plan.beside[0], 100.0, 0.01)} == {True}
    assert not any(one.get("poisson") for one in plan.segments(100.0))


@pytest.mark.parametrize(
    ("journey", "says"),
    [
        pytest.param("share: 9%, steps: [{kind: constant, share: 100%, duration: 6s}]", "the taps are over after 5 s",
                     id="longer than the taps"),
        pytest.param("share: 9%, steps: [{kind: constant, share: 90%, duration: 5s}]", "the journey's peak", id="low"),
        pytest.param("share: 9%, arrivals: even, steps: [{kind: constant, share: 100%, duration: 5s}]",
                     "those of each step", id="arrivals twice"),
        pytest.param("share: 9%, steps: []", "at least 1", id="no steps"),
        pytest.param("share: 9%, arrivals: poison", "did you mean poisson?", id="arrivals misspelt"),
    ],
)  # fmt: skip
def test_a_broken_curve_of_a_journey_is_told_in_its_line(tmp_path: Path, journey: str, says: str) -> None:
    assert any(says in one for one in problems(tmp_path, more=WALLET.format(journey)))


@pytest.mark.parametrize("key", ["arrivals: poisson", "steps: [{kind: constant, share: 100%, duration: 5s}]"])
def test_the_taps_have_the_plan_s_steps_alone(tmp_path: Path, key: str) -> None:
    told = problems(tmp_path, more=f"traffic:\n  - {{shot: tap, share: 100%, {key}}}\n")
    assert any("of the taps in two places" in one for one in told), told
