"""The evening's file is good; a spoilt one is refused at its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from plans.models import PlanError, load_programme
from plans.models.home import HOME
from plans.models.programme import seconds_of_day
from tests.support.plan_files import line_of, spoil

EVENING = HOME / "forecasts" / "evening.yaml"


def test_the_evening_has_45_sponsors_615_million_yuan_and_the_rounds_that_were_cued_on_air() -> None:
    held = load_programme(EVENING)
    assert (len(held.sponsors), held.budget_fen) == (45, 615_000_000_00)
    assert len({sponsor.name.en for sponsor in held.sponsors}) == 45
    on_air = [one for one in held.rounds if one.packets == 60_000_000]
    assert [one.at for one in on_air] == [seconds_of_day(at) for at in ("20:36", "21:05", "22:12")]
    on_the_hour = [one for one in held.rounds if one not in on_air]
    assert {one.at % 3600 for one in on_the_hour} == {0}
    assert len(on_the_hour) == 5


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        pytest.param("budget: 60_000_000元", "budget: 0元", "a sponsor without a budget", id="a budget of 0"),
        pytest.param(
            "cue-2036: 35%", "cue-2036: 36%", "add up to 101.0000%; expected 100%", id="parts beyond the whole"
        ),
        pytest.param(
            "cue-2036: 30%", "cue-2063: 30%", "no round cue-2063; expected one of hour-20", id="no such round"
        ),
        pytest.param('at: "21:05"', 'at: "21:00:59"', "cue-2105 starts before hour-21 ends", id="two rounds at once"),
        pytest.param('at: "21:05"', "at: 2105", "2105 is no time of day; expected one such as", id="a bare number"),
        pytest.param('at: "21:05"', 'at: "21:65"', "'21:65' is no time of day", id="no such minute"),
        pytest.param("id: 2, name: {zh: 春", "id: 1, name: {zh: 春", "sponsor 1 stands twice", id="a sponsor twice"),
        pytest.param('zone: "+08:00"', 'zone: "Beijing"', "'Beijing' is no zone", id="no zone"),
        pytest.param("arm_ahead: 60s", "arm_ahead: 60", "60 is not a duration", id="a time without its unit"),
        pytest.param("expected: 200_000_000", "expected: 0", "greater than or equal to 1", id="no ties expected"),
        pytest.param("kind: programme", "kind: forecast", "this is a forecast, not a programme", id="another kind"),
    ],
)
def test_a_spoilt_programme_is_refused_at_its_line(tmp_path: Path, old: str, new: str, says: str) -> None:
    file = tmp_path / "evening.yaml"
    file.write_bytes(EVENING.read_bytes())
    spoil(file, (old, new))
    with pytest.raises(PlanError) as refused:
        load_programme(file)
    told = [problem for problem in refused.value.problems if says in str(problem)]
    assert told, str(refused.value)
    assert told[0].line == line_of(file, new)


def test_a_round_that_nobody_pays_for_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "evening.yaml"
    text = EVENING.read_text(encoding="utf-8").replace("hour-24: 30%", "hour-23: 30%")
    file.write_text(text, encoding="utf-8")
    with pytest.raises(PlanError, match=r"nobody pays for hour-24") as refused:
        load_programme(file)
    assert refused.value.problems[0].line == line_of(file, "id: hour-24")
