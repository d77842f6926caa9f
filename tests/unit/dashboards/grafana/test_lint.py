"""Each rule of the linter is seen to fail: the committed dashboards are clean, and each mutation is named."""

from __future__ import annotations

import copy
import dataclasses
import re
from collections.abc import Callable
from typing import Any

import pytest

from dashboards.grafana import excused, lint, render, shelf
from dashboards.grafana.board import LintExcuse, MayBeEmpty, RawCounter
from dashboards.grafana.lint import strange
from dashboards.grafana.promql import Grouping, Selector, arguments, divisors, parts, scoped

BOARDS = render.rendered()
Change = Callable[[dict[str, Any]], object]


def panel(board: dict[str, Any], title: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in board["panels"] if one["title"].startswith(title))
    return found


def variable(board: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in board["templating"]["list"] if one["name"] == name)
    return found


def asks(title: str, expr: str) -> Change:
    return lambda board: panel(board, title)["targets"][0].update(expr=expr)


def test_the_committed_dashboards_are_clean() -> None:
    assert lint.lint_all(BOARDS.values()) == []


LIVE: list[Any] = [
    pytest.param(asks("Append p99", "up / 2 + nothing_total"), "no metric nothing_total", id="unknown metric"),
    pytest.param(asks("Append p99", 'hongbao_switch{round="1"}'), "hongbao_switch has no label round", id="label"),
    pytest.param(
        asks("Append p99", "sum by (round) (hongbao_switch)"),
        "no metric here has a label round",
        id="grouping by no label",
    ),
    pytest.param(asks("Append p99", "sum(hongbao_credits_total)"), "a counter outside of rate", id="raw counter"),
    pytest.param(
        asks("Append p99", "sum(hongbao_append_duration_seconds_count)"), "a counter outside", id="raw histogram count"
    ),
    pytest.param(
        asks("Append p99", "rate(hongbao_switch[$__rate_interval])"),
        "hongbao_switch, which is a gauge",
        id="rated gauge",
    ),
    pytest.param(
        asks("Append p99", "rate(hongbao_credits_total[5m])"),
        "a rate over [5m]; expected [$__rate_interval]",
        id="window",
    ),
    pytest.param(
        asks(
            "Append p99",
            "histogram_quantile(0.99, sum by (lane) (rate(hongbao_append_duration_seconds_bucket[$__rate_interval])))",
        ),
        "histogram_quantile without by (le)",
        id="quantile without le",
    ),
    pytest.param(
        asks(
            "Append p99",
            "avg(histogram_quantile(0.99, sum by (le) "
            "(rate(hongbao_append_duration_seconds_bucket[$__rate_interval]))))",
        ),
        "the average of a quantile",
        id="average of a quantile",
    ),
    pytest.param(
        asks("Append p99", "sum(hongbao_append_duration_seconds)"),
        "no metric hongbao_append_duration_seconds",
        id="histogram",
    ),
    pytest.param(asks("Append p99", "up / sum(hongbao_switch)"), "a division by what may be 0", id="division"),
    pytest.param(asks("Append p99", "sum(up"), "never closed", id="brackets"),
    pytest.param(asks("Append p99", "up ; up"), "cannot read", id="no PromQL at all"),
    pytest.param(asks("Append p99", 'up{part="$part"}'), "no variable $part", id="unknown variable"),
    pytest.param(lambda b: panel(b, "Append p99").update(description=""), "no description", id="no description"),
    pytest.param(lambda b: panel(b, "Append p99").update(title=""), "no title", id="no title"),
    pytest.param(
        lambda b: panel(b, "Append p99")["fieldConfig"]["defaults"].update(unit="seconds"), "unit 'seconds'", id="unit"
    ),
    pytest.param(lambda b: panel(b, "Append p99").update(targets=[]), "no query", id="no query"),
    pytest.param(
        lambda b: panel(b, "Append p99")["datasource"].update(uid="xiu-prometheus"),
        "a fixed data source",
        id="fixed uid",
    ),
    pytest.param(
        lambda b: panel(b, "Append p99")["targets"][0]["datasource"].update(uid="P1"),
        "a fixed data source",
        id="in a query",
    ),
    pytest.param(
        lambda b: panel(b, "Planned")["targets"][1].update(refId="A"), "queries without a letter", id="two queries A"
    ),
    pytest.param(lambda b: panel(b, "Append p99").update(id=1), "ids are not unique", id="two panels of an id"),
    pytest.param(
        lambda b: panel(b, "Append p99").update(title="Appends, by verdict"),
        "two panels of that title",
        id="two of a title",
    ),
    pytest.param(lambda b: panel(b, "Append p99")["gridPos"].update(x=1), "overlap", id="overlap"),
    pytest.param(lambda b: panel(b, "Append p99")["gridPos"].update(x=20), "outside of the 24", id="off the grid"),
    pytest.param(lambda b: b.update(uid="x" * 41), "1 to 40 characters", id="a long uid"),
    pytest.param(lambda b: b.update(id=3), "a numeric id", id="a numeric id"),
    pytest.param(lambda b: b.update(editable=True), "editable", id="editable"),
    pytest.param(lambda b: b["templating"].update(list=[]), "no variable for the data source", id="no variable"),
    pytest.param(
        lambda b: variable(b, "lane").update(refresh=1), "does not follow the time range", id="stiff variable"
    ),
    pytest.param(
        lambda b: variable(b, "lane")["datasource"].update(uid="P1"),
        "variable lane: a fixed",
        id="its data source",
    ),
    pytest.param(
        lambda b: b["annotations"]["list"][0].update(expr="nothing_total"),
        "annotations Faults: nothing",
        id="annotation",
    ),
]


@pytest.mark.parametrize(("change", "told"), LIVE)
def test_a_mutation_is_named(change: Change, told: str) -> None:
    board = copy.deepcopy(BOARDS["xiu-live"])
    change(board)
    found = lint.lint(board)
    assert [line for line in found if told in line], found


@pytest.mark.parametrize(
    ("title", "description", "told"),
    [
        pytest.param("送出的红包 · Packets won", "hongbao_packets_issued_total", "jargon", id="a metric's name"),
        pytest.param("p99 响应 · Response p99", "x", "jargon", id="a percentile"),
        pytest.param("Packets won", "x", "one language", id="English alone"),
        pytest.param("送出的红包", "x", "one language", id="Chinese alone"),
    ],
)
def test_a_manager_is_spared(title: str, description: str, told: str) -> None:
    board = copy.deepcopy(BOARDS["xiu-forecast"])
    panel(board, "送出的红包").update(title=title, description=description)
    found = lint.lint(board)
    assert [line for line in found if told in line], found


def test_a_metric_nobody_looks_at_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(excused.UNCHARTED, "drill_recovery_seconds")
    assert [line for line in lint.lint_all(BOARDS.values()) if "drill_recovery_seconds: neither charted" in line]


def test_an_excuse_without_an_object_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    live, forecast = shelf.boards()
    more = (
        MayBeEmpty("Nothing", "it went long ago"),
        RawCounter("Append p99", "hongbao_credits_total", "it went long ago"),
        LintExcuse("panel-units-rule", ("Gone",), "it went long ago"),
    )
    changed = (dataclasses.replace(live, excuses=(*live.excuses, *more)), forecast)
    monkeypatch.setattr(shelf, "boards", lambda: changed)
    monkeypatch.setitem(excused.UNCHARTED, "drill_users", "it is charted")
    found = "\n".join(lint.lint_all(BOARDS.values()))
    assert re.search(r"boards/live\.py:\d+: xiu-live: Nothing: excused, and there is no such panel", found)
    assert re.search(r"boards/live\.py:\d+: xiu-live: Gone: excused, and there is no such panel", found)
    assert "hongbao_credits_total: excused as it stands, and it does not stand there" in found
    assert "drill_users: excused from being charted" in found


def test_every_excuse_has_a_reason() -> None:
    reasons = [*(one.why for board in shelf.boards() for one in board.excuses), *excused.UNCHARTED.values()]
    assert all(len(reason) > 10 for reason in reasons)


def test_two_dashboards_of_one_uid() -> None:
    board = BOARDS["xiu-live"]
    assert "xiu-live: two dashboards of that uid" in lint.lint_all([board, board, BOARDS["xiu-forecast"]])


@pytest.mark.parametrize(
    ("expr", "told"),
    [
        ('max(hongbao_credit_progress_age_seconds{lane="$lane"})', []),
        ("front:hongbao_taps:rate1m", ["no metric front:hongbao_taps:rate1m in the code"]),
        ("max(hongbao_credit_progres_age_seconds)", ["no metric hongbao_credit_progres_age_seconds in the code"]),
        ('sum(hongbao_rounds{stat="open"})', ["hongbao_rounds has no label stat"]),
        ("sum(hongbao_rounds {{", None),
    ],
)
def test_what_an_expression_names_that_nothing_exposes(expr: str, told: list[str] | None) -> None:
    found = list(strange(expr))
    assert found == told if told is not None else len(found) == 1


@pytest.mark.parametrize(
    ("expr", "expected"),
    [
        ("max(a)", 'max(a{x="1"})'),
        ('sum by (a) (rate(a_total{b="}"}[5s])) / on (c) group_left () (d > 0)',
         'sum by (a) (rate(a_total{x="1",b="}"}[5s])) / on (c) group_left () (d{x="1"} > 0)'),
        ("a{} unless b or ALERTS", 'a{x="1"} unless b{x="1"} or ALERTS'),
        ("2 * last_over_time(a[$__range] offset 5s)", '2 * last_over_time(a{x="1"}[$__range] offset 5s)'),
    ],
)  # fmt: skip
def test_a_filter_is_added_to_every_selector_and_to_nothing_else(expr: str, expected: str) -> None:
    assert scoped(expr, 'x="1"', frozenset({"ALERTS"})) == expected


def test_promql_is_read() -> None:
    expr = 'sum by (lane, le) (rate(a_bucket{x="(}",y!~"b|c"}[5s])) / on (z) group_left () (b > 0) or max(c)'
    found = list(parts(expr))
    assert [one for one in found if isinstance(one, Selector)] == [
        Selector("a_bucket", (("x", "=", "(}"), ("y", "!~", "b|c")), ("sum", "rate"), "[5s]"),
        Selector("b", (), (), ""),
        Selector("c", (), ("max",), ""),
    ]
    assert [(one.word, one.labels) for one in found if isinstance(one, Grouping)] == [
        ("by", ("lane", "le")),
        ("on", ("z",)),
        ("group_left", ()),
    ]
    assert list(divisors("a / 100 + b / (c > 0)")) == ["100", "( c > 0 )"]
    assert list(arguments("f(g(x), 2) + f(3)", "f")) == ["g ( x ) , 2", "3"]
