"""A climb as a step of a plan: its rates, its length, and what is refused at its line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from plans.models import LoadedPlan, PlanError, load_drill, load_plan
from plans.models.home import HOME
from tests.support.plan_files import CLIMB, CUT, PLAN, as_climb, line_of


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    """The gala's plan with a climb instead of its curve."""
    return as_climb(tmp_path)


def spoilt(file: Path, *changes: tuple[str, str]) -> list[str]:
    text = file.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    file.write_text(text, encoding="utf-8")
    with pytest.raises(PlanError) as caught:
        load_plan(file)
    return [str(problem) for problem in caught.value.problems]


def test_from_one_request_to_more_than_the_peak(plan: Path) -> None:
    loaded: LoadedPlan = load_plan(plan)
    climb = loaded.plan.climb
    assert climb is not None
    assert (climb.stairs, climb.length_s(), climb.top()) == (4, 4 * 3 * 3.0, 1.2)
    assert climb.rates_rps(1000.0, 1.0) == (1 / 3, 10.0, 500.0, 1200.0)
    assert loaded.plan.measured_s == 36.0, "the longest climb must end before the round does"
    measured = [one for one in loaded.plan.segments(1000.0) if one["phase"]]
    assert [(one["rate_rps"], one["duration_s"]) for one in measured] == [
        (1 / 3, 6.0),
        (10.0, 6.0),
        (500.0, 6.0),
        (1200.0, 6.0),
    ], "every window green"


def test_the_first_stair_may_be_left_out(plan: Path) -> None:
    plan.write_text(plan.read_text(encoding="utf-8").replace("kind: climb", "kind: climb, one_request: false"))
    climb = load_plan(plan).plan.climb
    assert climb is not None
    assert climb.rates_rps(1000.0, 1.0) == (10.0, 500.0, 1200.0)


def test_other_plans_are_no_climb() -> None:
    assert load_plan(PLAN).plan.climb is None


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        pytest.param("50%, 120%", "50%, 50%", "0.5 after 0.5; expected rising shares", id="the same stair twice"),
        pytest.param("1%, 50%", "50%, 1%", "0.01 after 0.5; expected rising shares", id="down"),
        pytest.param("120%]", "220%]", "expected 0% to 200%", id="far beyond the peak"),
        pytest.param("120%]", "90%]", "no step reaches the peak", id="below the peak"),
        pytest.param("1%, 50%", "0%, 50%", "greater than 0", id="a stair without load"),
        pytest.param("window: 3s", "window: 2s", "greater than or equal to 3", id="over before it is seen"),
        pytest.param("window: 3s", "window: 9s", "taps until 114 s, but the round closes at 65 s", id="a longer climb"),
        pytest.param("window: 3s, ", "", "`steps[1].window` is missing", id="no window"),
        pytest.param("hold: 2", "hold: 0", "greater than or equal to 1", id="held for nothing"),
        pytest.param("patience: 1", "patience: -1", "whole number", id="less than no patience"),
        pytest.param("hold: 2", "hodl: 2", "did you mean hold?", id="a key's name"),
        pytest.param("hold: 2", "hold: 2, arrivals: poisson", "'poisson'; expected one of even", id="random"),
        pytest.param("hold: 2", "hold: 2, one_request: 1", "one_request", id="a number as a flag"),
    ],
)
def test_a_climb_that_cannot_be_is_refused_at_its_line(plan: Path, old: str, new: str, says: str) -> None:
    told = spoilt(plan, (old, new))
    at = line_of(plan, "kind: climb")
    assert any(says in one and f"own.yaml:{at}" in one for one in told) or says.startswith(("taps", "no step"))
    assert any(says in one for one in told)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        pytest.param(
            f"{CLIMB}\n  - {{kind: constant, share: 10%, duration: 1s}}", "a climb among other steps", id="steps"
        ),
        pytest.param(f"{CLIMB}\nrounds: 2", "a climb in several rounds; expected one round", id="rounds"),
        pytest.param(
            f"{CLIMB}\ntraffic: [{{shot: tap, share: 100%}}, {{shot: wallet, share: 5%, response_p99: 1s}}]",
            "journeys beside a climb; expected the taps alone",
            id="journeys",
        ),
        pytest.param(
            "{kind: constant, share: 100%, duration: 36s}\n"
            f"traffic: [{{shot: tap, share: 100%}}, {{shot: wallet, share: 5%, steps: [{CLIMB}]}}]",
            "a climb of a journey beside the taps",
            id="a journey's own",
        ),
    ],
)
def test_a_climb_stands_alone(plan: Path, more: str, says: str) -> None:
    assert any(says in one for one in spoilt(plan, (CLIMB, more)))


def test_a_drill_needs_a_load_that_is_the_same_in_every_arm(plan: Path) -> None:
    folder = plan.parents[1] / "drills"
    folder.mkdir()
    text = (HOME / "drills" / CUT).read_text(encoding="utf-8")
    drill = folder / "own.yaml"
    drill.write_text(re.sub(r"^plan:.*$", "plan: ../stress/own.yaml", text, flags=re.MULTILINE), encoding="utf-8")
    with pytest.raises(PlanError) as caught:
        load_drill(drill, None)
    at, what = line_of(drill, "plan:"), "`plan`: gala-share is a climb; expected a load that is the same in every arm"
    assert f"{drill}:{at}: {what}" in [str(problem) for problem in caught.value.problems]
