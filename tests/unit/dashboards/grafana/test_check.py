"""The check's judgement, on answers made up: what is a value, what is none, and what a variable becomes."""

from __future__ import annotations

from typing import Any

import pytest

from chaos import playbook
from dashboards.grafana import check
from dashboards.grafana.board import MayBeEmpty
from dashboards.grafana.check import Span
from dashboards.grafana.errors import QueryFailed
from dashboards.grafana.shelf import by_uid
from tests.support.made_up_answers import SPAN, Fake

EXCUSES = [one for one in by_uid()["xiu-live"].excuses if isinstance(one, MayBeEmpty)]
UNDISTURBED = [one.panel for one in EXCUSES if one.undisturbed]
WITHOUT_JOB = {one.panel: one.without_job for one in EXCUSES if one.without_job}


def board(expr: str, title: str = "A panel", **more: object) -> dict[str, Any]:
    target = {"expr": expr, "refId": "A", **more}
    return {"uid": "xiu-live", "templating": {"list": []}, "panels": [{"title": title, "targets": [target]}]}


@pytest.mark.parametrize(
    ("series", "state", "value", "most"),
    [
        pytest.param([[[1, "3"], [2, "1"]]], "value", 1.0, 3.0, id="the last figure, and the largest"),
        pytest.param([[[1, "7"], [2, "NaN"]]], "value", 7.0, 7.0, id="the last that is one"),
        pytest.param([[[2, "1"]], [[2, "5"]]], "value", 5.0, 5.0, id="of several the largest"),
        pytest.param([[[2, "0"]]], "value", 0.0, 0.0, id="zero is a figure"),
        pytest.param([], "empty", None, None, id="no series"),
        pytest.param([[[1, "NaN"], [2, "NaN"]]], "empty", None, None, id="never a number"),
        pytest.param([[[2, "+Inf"]]], "empty", None, None, id="infinity"),
    ],
)
@pytest.mark.parametrize("instant", [False, True])
def test_what_a_value_is(
    series: list[list[list[Any]]], state: str, value: float | None, most: float | None, instant: bool
) -> None:
    if instant:
        series = [one[-1:] for one in series]
        last = series[-1][-1][1] if series else "NaN"
        if last == "NaN":
            state, value, most = "empty", None, None
        most = value
    (answer,) = check.check(Fake(*series), [board("up", instant=instant)], SPAN)
    assert (answer.state, answer.value, answer.most) == (state, value, most)
    assert answer.red is (state == "empty")


def test_an_empty_panel_passes_only_with_a_reason() -> None:
    title, reason = EXCUSES[0].panel, EXCUSES[0].why
    (answer,) = check.check(Fake(), [board("up", title)], SPAN)
    assert (answer.state, answer.why, answer.red) == ("excused", reason, False)


@pytest.mark.parametrize(("letter", "state"), [("A", "empty"), ("B", "empty"), ("C", "excused"), ("D", "excused")])
def test_ties_without_a_programme_are_counted_and_not_forecast(letter: str, state: str) -> None:
    (answer,) = check.check(Fake(), [board("up", "Ties, by what made them", refId=letter)], SPAN)
    assert answer.state == state


def test_a_run_with_a_fault_in_it_shows_the_fault() -> None:
    quiet = [board("up", title) for title in UNDISTURBED]
    assert [a.state for a in check.check(Fake(), quiet, SPAN)] == ["excused"] * len(quiet)
    assert [a.state for a in check.check(Fake(), quiet, SPAN, disturbed=True)] == ["empty"] * len(quiet)
    assert {one.panel for one in EXCUSES} - set(WITHOUT_JOB) > set(UNDISTURBED) > set()


class Scraping(Fake):
    """No panel has a sample; these jobs are targets."""

    def __init__(self, *jobs: str) -> None:
        super().__init__()
        self.jobs = jobs

    def series(self, query: str, start_s: float, end_s: float, step_s: int) -> list[dict[str, Any]]:
        if query != "group by (job) (up)":
            return []
        return [{"metric": {"job": job}, "values": [[1, "1"]]} for job in self.jobs]


@pytest.mark.parametrize(
    ("jobs", "state"),
    [
        pytest.param(("front", "credit"), "excused", id="a stack without the engine"),
        pytest.param(("front", "playbook"), "empty", id="the engine is a target, down or not, and tells nothing"),
        pytest.param((), "empty", id="Prometheus saw nothing at all"),
    ],
)
@pytest.mark.parametrize("title", WITHOUT_JOB)
def test_the_playbook_panels_may_be_empty_only_where_no_engine_is_scraped(
    title: str, jobs: tuple[str, ...], state: str
) -> None:
    (answer,) = check.check(Scraping(*jobs), [board("up", title)], SPAN)
    assert answer.state == state
    (other,) = check.check(Scraping(*jobs), [board("up", "Switches")], SPAN)
    assert other.state == "empty", "nothing else is excused by it"


def test_the_job_that_excuses_is_the_one_the_engine_is_scraped_as() -> None:
    assert set(WITHOUT_JOB.values()) == {playbook.part().name}


def test_a_query_that_fails_is_red_even_with_a_reason() -> None:
    class Refusing(Fake):
        def series(self, query: str, start_s: float, end_s: float, step_s: int) -> list[dict[str, Any]]:
            raise QueryFailed("parse error")

    title = EXCUSES[0].panel
    (answer,) = check.check(Refusing(), [board("up", title)], SPAN)
    assert (answer.state, answer.why, answer.red) == ("failed", "parse error", True)


def test_grafanas_own_variables() -> None:
    asker = Fake([[2, "1"]])
    check.check(asker, [board("rate(a[$__rate_interval]) + b[$__range] + ${__range_s} + c[$__interval]")], SPAN)
    assert asker.asked == ["rate(a[4s]) + b[60s] + 60 + c[1s]"]
    assert Span(0, 6 * 3600).words()["__rate_interval"] == "23s", "an interval longer than the scrape, and the scrape"


def test_an_unknown_variable_is_red() -> None:
    (answer,) = check.check(Fake([[2, "1"]]), [board("up{x='$nobody'}")], SPAN)
    assert (answer.state, answer.why) == ("failed", "no variable 'nobody'")


def variable(**more: object) -> dict[str, Any]:
    found = board('up{lane=~"$lane"}')
    one = {"type": "query", "name": "lane", "definition": "label_values(up, lane)", **more}
    found["templating"]["list"] = [{"type": "datasource", "name": "datasource"}, one]
    return found


@pytest.mark.parametrize(
    ("more", "query"),
    [
        pytest.param({"includeAll": True, "multi": True}, 'up{lane=~"(a\\\\.b|live)"}', id="all, as a pattern"),
        pytest.param({"sort": 1}, 'up{lane=~"a.b"}', id="the first"),
        pytest.param({"sort": 2}, 'up{lane=~"live"}', id="the last, where the newest comes first"),
    ],
)
def test_a_variable_becomes_what_grafana_makes_of_it(more: dict[str, Any], query: str) -> None:
    asker = Fake([[2, "1"]], [[2, "1"]], labels=({"lane": "live"}, {"lane": "a.b"}))
    check.check(asker, [variable(**more)], SPAN)
    assert asker.asked == ["group by (lane) (up)", query]


def test_a_chosen_run_is_not_asked_for() -> None:
    asker = Fake([[2, "1"]])
    found = board('up{run="$run"}')
    found["templating"]["list"] = [{"type": "query", "name": "run", "definition": "label_values(up, run)"}]
    check.check(asker, [found], SPAN, "r1")
    under_way = 'drill_run_verdict{run_id="r1",verdict="RUNNING"} == 1'
    assert asker.asked == [under_way, 'up{run="r1"}']


def test_the_newest_run_is_the_one_scraped_last() -> None:
    asker = Fake(
        [[10, "1"], [50, "1"]], [[60, "1"], [90, "1"]], labels=({"run_id": "old"}, {"run_id": "new"})
    )  # fmt: skip
    found = check.newest_run(asker, 100.0, back_s=100.0)
    assert found == ("new", Span(59.0, 90.0)), "to the last scrape: an instant later the series has ended"
    assert check.newest_run(Fake(), 100.0) is None
