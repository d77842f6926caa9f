"""What agrees with run.json, what differs, and what is no data; the queries as data."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.forecast.compute import compute
from harness.forecast.share import share_of
from harness.watch.saved_queries import IndicatorReading, Moments, SavedMetrics, agreement, fill, near
from plans.metrics import METRICS as DRILL_METRICS
from plans.models import PlanError, load_plan
from plans.models.queries import IndicatorQuery, Queries, load_queries
from system.contract.metrics import METRICS
from tests.support.run_in_progress import judged

QUERIES = load_queries()
PLAN = Path(__file__).parents[4] / "plans" / "stress" / "gala-share.yaml"
KNOWN = {metric.name: metric for metric in (*METRICS, *DRILL_METRICS)}
NOT_LABELS = {"le", "job", "instance", "part", "__name__", "alertname", "alertstate"}


def one(**changes: object) -> IndicatorQuery:
    data: dict[str, object] = {"indicator": "wins", "agrees": "exact", "query": "q", "why": "because of this"}
    data |= {"counters": ["hongbao_credits_total"]} if changes.get("agrees", "exact") == "exact" else {}
    return IndicatorQuery.model_validate(data | changes)


@pytest.mark.parametrize(
    ("how", "value", "inside", "outside"),
    [
        pytest.param({}, 1200.0, [1200], [1199, 1201], id="exact: equal or wrong"),
        pytest.param({"agrees": "share", "within": 0.05}, 100.0, [95, 105], [94.9, 105.1], id="a share"),
        pytest.param({"agrees": "share", "within": 0.05}, 0.0, [0], [1], id="zero agrees with zero alone"),
        pytest.param({"agrees": "absolute", "within": 1.5}, 0.2, [0, 1.7], [1.8], id="seconds"),
        pytest.param(
            {"agrees": "bucket", "buckets": "latency", "per_second": 1000}, 7.0, [5, 5.1, 10], [4.9, 10.1], id="bucket"
        ),
        pytest.param({"agrees": "bucket", "buckets": "delay"}, 0.1, [0.06, 0.1], [0.04, 0.11], id="a bucket's edge"),
        pytest.param({"agrees": "bucket", "buckets": "delay"}, 300.0, [301, 9e9], [299], id="beyond the last edge"),
        pytest.param(
            {"agrees": "bucket", "buckets": "delay", "within": 0.25}, 0.2, [0.08, 0.3], [0.07, 0.32], id="widened"
        ),
    ],
)
def test_near_enough(how: dict[str, object], value: float, inside: list[float], outside: list[float]) -> None:
    low, high = near(one(**how), value)
    assert all(low <= run <= high for run in inside)
    assert not any(low <= run <= high for run in outside)


BOUNDS = {"lower": 1188.0, "expected": 1200.0, "upper": 1200.0}


@pytest.mark.parametrize(
    ("prometheus", "run", "target", "state", "why"),
    [
        pytest.param(1195.0, 1195, BOUNDS, "agrees", "because", id="the same"),
        pytest.param(1194.0, 1195, BOUNDS, "differs", "run.json has 1195", id="one win apart"),
        pytest.param(1195.0, 1195, BOUNDS | {"upper": 1199.0}, "differs", "locked 1200", id="another target"),
        pytest.param(None, 1195, BOUNDS, "no data", "not a number", id="Prometheus has nothing"),
        pytest.param(0.0, None, BOUNDS, "no data", "run.json", id="run.json has nothing, and 0 is not nothing"),
        pytest.param(1195.0, 1195, {}, "no data", "no bound", id="no target scraped"),
    ],
)
def test_states(prometheus: float | None, run: float | None, target: dict[str, float], state: str, why: str) -> None:
    queries = Queries(kind="queries", target="t", indicators=(one(),), series=())
    asked = IndicatorReading(
        indicator="wins", query="q", prometheus=prometheus, target_query="t", target=target,
        missing="no sample, or not a number",
    )  # fmt: skip
    [row] = agreement(queries, SavedMetrics(run_id="r", at_s=1.0, indicators=(asked,)), [judged(run)])
    assert (row.state, row.run, row.prometheus) == (state, run, prometheus)
    assert why in row.why


@pytest.mark.parametrize(("second", "state"), [(50.0, "agrees"), (None, "no data")])
def test_a_sum_of_indicators_needs_all_of_them(second: float | None, state: str) -> None:
    queries = Queries(
        kind="queries", target="t", indicators=(one(indicator="sponsors_fen", sum_of="sponsor_[0-9]+_fen"),), series=()
    )
    target = {"lower": 226.0, "expected": 250.0, "upper": 250.0}
    asked = IndicatorReading(indicator="sponsors_fen", query="q", prometheus=250.0, target_query="t", target=target)
    rows = [judged(200, "sponsor_1_fen", 200), judged(second, "sponsor_2_fen", 50), judged(7, "wins")]
    [row] = agreement(queries, SavedMetrics(run_id="r", at_s=1.0, indicators=(asked,)), rows)
    assert row.state == state, row.why


def test_an_indicator_nobody_forecast_is_left_out() -> None:
    queries = Queries(kind="queries", target="t", indicators=(one(),), series=())
    asked = IndicatorReading(indicator="wins", query="q", prometheus=1.0, target_query="t", target={})
    assert agreement(queries, SavedMetrics(run_id="r", at_s=1.0, indicators=(asked,)), [judged(1, "errors")]) == []


def test_every_indicator_of_the_forecast_has_a_query() -> None:
    loaded = load_plan(PLAN)
    share = share_of(loaded.forecast, loaded.plan, loaded.forecast.scale)
    forecast = {target.indicator for target in compute(loaded.forecast, loaded.plan, share)}
    patterns = [one.sum_of or re.escape(one.indicator) for one in QUERIES.indicators]
    assert {name for name in forecast if not any(re.fullmatch(p, name) for p in patterns)} == set()
    assert all(any(re.fullmatch(p, name) for name in forecast) for p in patterns)


def test_invariants_and_money_are_exact_and_never_extrapolated() -> None:
    exact = {one.indicator: one.query for one in QUERIES.indicators if one.agrees == "exact"}
    assert set(exact) == {"wins", "sponsors_fen", "residue_fen", "wins_residue"}
    for query in exact.values():
        assert not re.search(r"increase|rate\(|delta|deriv", query)
    assert not any("increase" in one.query for one in QUERIES.indicators)


def test_queries_name_metrics_and_labels_that_exist() -> None:
    for query in [QUERIES.target, *(one.query for one in (*QUERIES.indicators, *QUERIES.series))]:
        for name, selector in re.findall(r"\b((?:hongbao|drill)_[a-z0-9_]+)(?:\{([^}]*)\})?", query):
            base = name if name in KNOWN else re.sub(r"_(bucket|count|sum)$", "", name)
            assert base in KNOWN, name
            labels = set(re.findall(r"([a-z_]+)\s*(?:=~|!~|!=|=)", selector))
            assert labels - NOT_LABELS <= set(KNOWN[base].labels), (name, labels)
    for one_ in QUERIES.indicators:
        assert all(name in one_.query for name in one_.counters), one_.indicator


def test_every_word_of_the_queries_is_known() -> None:
    words = {"lane": "live", "run": "r", "indicator": "wins"} | Moments(1, 2, 3, 4, (5, 25)).words(30)
    for query in [QUERIES.target, *(one.query for one in (*QUERIES.indicators, *QUERIES.series))]:
        assert "$" not in fill(query, words)
    with pytest.raises(KeyError):
        fill("$nothing", words)


@pytest.mark.parametrize(
    ("peak", "told"),
    [
        pytest.param((5.0, 25.0), "15s", id="twenty seconds at the peak"),
        pytest.param((5.0, 10.5), None, id="too short to look at"),
        pytest.param(None, None, id="no peak"),
    ],
)
def test_the_peak_is_looked_at_away_from_its_edges(peak: tuple[float, float] | None, told: str | None) -> None:
    assert Moments(0, 1, 2, 30, peak).words(40).get("peak") == told


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        pytest.param({"within": 0.1}, "exact has no tolerance", id="a tolerance for what is exact"),
        pytest.param({"counters": []}, "stands on counters", id="exact, and on no counter"),
        pytest.param({"agrees": "share"}, "needs a tolerance", id="a share of nothing"),
        pytest.param({"agrees": "bucket"}, "expected both or neither", id="a bucket of no buckets"),
        pytest.param({"agrees": "share", "within": 9.0}, "less than or equal to 1.5", id="a tolerance that hides all"),
    ],
)
def test_bad_queries_are_refused(changes: dict[str, object], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        one(**changes)


def test_a_bad_file_is_told_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "queries.yaml"
    file.write_text("kind: queries\ntarget: t\nindicators: []\nseries:\n  - {name: up, qery: up}\n")
    with pytest.raises(PlanError, match=r"queries\.yaml:5: unknown key .*did you mean query"):
        load_queries(file)
