"""A plan's traffic: the taps alone unless it says more; each journey at its share or rate; what contradicts itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from plans.models import PlanError, find, load_plan

SMOKE = find("smoke", "stress")


def write(folder: Path, traffic: str) -> Path:
    """The smoke plan with `traffic:` at its end."""
    text = SMOKE.read_text(encoding="utf-8").replace("../forecasts", str(SMOKE.parents[1] / "forecasts"))
    file = folder / "two.yaml"
    file.write_text(text.replace("id: smoke", "id: two") + traffic, encoding="utf-8")
    return file


def test_a_plan_of_today_is_one_journey_of_taps() -> None:
    plan = load_plan(SMOKE, {"tap"}).plan
    assert [(one.name, one.shot, one.share) for one in plan.traffic] == [("tap", "tap", 1.0)]
    assert plan.beside == ()


def test_a_share_follows_the_steps_and_a_rate_is_the_same_from_first_to_last(tmp_path: Path) -> None:
    said = "traffic: [{shot: wallet, share: 20%}, {shot: tap, share: 100%}, {shot: wallet, journey: w2, rate: 5000/s}]"
    plan = load_plan(write(tmp_path, said), {"tap", "wallet"}).plan
    assert (plan.taps.name, [one.name for one in plan.beside]) == ("tap", ["wallet", "w2"])
    shared, rated = plan.beside
    segments = plan.segments_of(shared, 250, 0.01, 7.0)
    assert segments == [{**one, "rate_rps": 50.0} for one in plan.segments(250, 7.0)]
    assert plan.segments_of(rated, 250, 0.01, 7.0) == [
        {"kind": "constant", "rate_rps": 50.0, "duration_s": 1.0, "phase": 0},
        {"kind": "constant", "rate_rps": 50.0, "duration_s": 5.0, "phase": 1},
    ]
    assert (shared.peak_rps(250, 0.01), rated.peak_rps(250, 0.01)) == (50.0, 50.0)


def test_a_rate_here_is_the_same_at_every_share_of_the_event(tmp_path: Path) -> None:
    said = "traffic: [{shot: tap, share: 100%}, {shot: wallet, rate_here: 50/s}]"
    (beside,) = load_plan(write(tmp_path, said), {"tap", "wallet"}).plan.beside
    assert [beside.peak_rps(250, scale) for scale in (1.0, 0.01)] == [50.0, 50.0]


@pytest.mark.parametrize(
    ("traffic", "words"),
    [
        pytest.param(
            "[{shot: tap, share: 100%}, {shot: walet, share: 1%}]", "no shot `walet`.*did you mean wallet", id="a shot"
        ),
        pytest.param("[{shot: wallet, share: 1%}]", "no journey of taps", id="no taps"),
        pytest.param("[{shot: tap, share: 80%}]", "taps at another rate", id="fewer taps"),
        pytest.param("[{shot: tap, rate: 7/s}]", "taps at another rate", id="taps at a rate"),
        pytest.param("[{shot: tap, share: 100%}, {shot: tap, journey: b, share: 100%}]", "second journey", id="twice"),
        pytest.param("[{shot: tap, share: 100%, response_p99: 1s}]", "a second objective", id="two objectives"),
        pytest.param("[{shot: tap, share: 100%}, {shot: wallet}]", "neither share nor rate", id="no rate"),
        pytest.param("[{shot: tap, share: 100%}, {shot: wallet, share: 1%, rate: 7/s}]", "share and rate", id="both"),
        pytest.param(
            "[{shot: tap, share: 100%}, {shot: wallet, rate: 7/s, rate_here: 7/s}]", "rate and rate_here", id="2 rates"
        ),
        pytest.param(
            "[{shot: tap, share: 100%}, {shot: wallet, share: 1%}, {shot: wallet, share: 2%}]", "wallet stands twice",
            id="one name for two",
        ),
        pytest.param("[{shot: tap, share: 100%, speed: 3}]", "speed", id="a key nobody reads"),
        pytest.param("[]", "traffic", id="nothing"),
    ],
)  # fmt: skip
def test_what_contradicts_itself_is_told_at_its_line(tmp_path: Path, traffic: str, words: str) -> None:
    file = write(tmp_path, f"traffic: {traffic}\n")
    with pytest.raises(PlanError, match=words) as caught:
        load_plan(file, {"tap", "wallet"})
    line = file.read_text(encoding="utf-8").splitlines().index(f"traffic: {traffic}") + 1
    assert [problem.line for problem in caught.value.problems] == [line]
