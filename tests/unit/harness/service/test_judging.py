"""What is expected of one's own service: the plan's promise, and what its forecast says beside."""

from __future__ import annotations

from pathlib import Path

from harness.forecast import judge
from harness.service.judging import actuals_of, held_rps, lock_of, targets_of
from plans.models.service import ServicePlan, load_service
from tests.support.service_plans import SMALL


def plan(folder: Path, *more: str) -> ServicePlan:
    file = folder / "mine.yaml"
    file.write_text(SMALL + "\n".join(more))
    return load_service(file).plan


def test_the_promise_is_judged_where_nothing_is_foreseen(tmp_path: Path) -> None:
    found = {one.indicator: (one.cls, one.lower, one.expected, one.upper) for one in targets_of(plan(tmp_path))}
    assert found == {
        "offered_rps": ("demand", 98, 100, 102),
        "answered_rps": ("delivery", 98, 100, 102),
        "response_p99_ms": ("quality", 0, 100, 100),
        "error_share": ("quality", 0, 0, 0),
    }


def test_a_band_never_reaches_beyond_the_promise(tmp_path: Path) -> None:
    more = "forecast: {indicators: [{indicator: response_p99_ms, low: 0, mid: 30, high: 900}]}"
    band = next(one for one in targets_of(plan(tmp_path, more)) if one.indicator == "response_p99_ms")
    assert (band.lower, band.expected, band.upper) == (0, 30, 100)


def test_a_query_is_inside_its_band_or_fails(tmp_path: Path) -> None:
    row = "{indicator: cpu, query: up, low: 0.1, mid: 0.2, high: 0.3, unit: cores}"
    own = plan(tmp_path, f'forecast: {{prometheus: "http://127.0.0.1:9090", indicators: [{row}]}}')
    states = [
        {one.indicator: one.state for one in judge(lock_of(own), {"cpu": value})}["cpu"] for value in (0.2, 0.35, None)
    ]
    assert states == ["PASS", "FAIL", "NO_DATA"]


def test_a_lock_proves_itself_and_holds_the_plan(tmp_path: Path) -> None:
    sealed = lock_of(plan(tmp_path, "seed: 9"))
    assert sealed.sha256 == sealed.digest()
    assert sealed.plan["target"]["url"] == "http://127.0.0.1:8080/hello"
    assert sealed.seed == 9


def test_nothing_fired_is_no_figure(tmp_path: Path) -> None:
    own = plan(tmp_path)
    assert held_rps(own) == 100
    assert {one.state for one in judge(lock_of(own), actuals_of(own, None))} == {"NO_DATA"}
