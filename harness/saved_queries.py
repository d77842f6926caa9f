"""Asks Prometheus at a run's end and keeps the answers, so that the run can be read without it.

No data is said, never filled in.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import requests
import yaml
from pydantic import BaseModel, ConfigDict, Field

from harness.errors import HarnessError
from harness.forecast.judge import Judged

QUERIES = Path(__file__).resolve().parent.parent / "plans" / "queries.yaml"
TIMEOUT_S = 10.0
STEP_S = 1


class PrometheusAway(HarnessError):
    """Prometheus did not answer, or refused a query; the message carries the query."""


class _Data(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class IndicatorQuery(_Data):
    """How Prometheus knows an indicator; `within`: share of run.json's figure by which a near one may differ."""

    indicator: str
    agrees: Literal["exact", "near"]
    within: float = Field(default=0.0, ge=0)
    query: str


class SeriesQuery(_Data):
    name: str
    query: str


class Queries(_Data):
    """plans/queries.yaml."""

    target: str
    indicators: tuple[IndicatorQuery, ...]
    series: tuple[SeriesQuery, ...]


class Agreement(_Data):
    """One indicator as Prometheus and run.json have it. `state`: agrees, differs or no data."""

    indicator: str
    query: str
    prometheus: float | None
    run: float | None
    target_query: str
    target: float | None
    locked: float
    state: Literal["agrees", "differs", "no data"]


def load_queries() -> Queries:
    """The queries there are."""
    return Queries.model_validate(yaml.safe_load(QUERIES.read_text(encoding="utf-8")))


class Prometheus:
    """Its HTTP API, synchronous, with a time-out. Raises PrometheusAway."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")

    def instant(self, query: str, at_s: float) -> float | None:
        """The one value of a query; None if there is none or it is no number. Raises PrometheusAway if several."""
        result = self._ask("query", {"query": query, "time": f"{at_s:.3f}"})
        if not result:
            return None
        if len(result) > 1:
            raise PrometheusAway(f"{query}: {len(result)} values; expected one")
        value = float(result[0]["value"][1])
        return value if math.isfinite(value) else None

    def series(self, query: str, start_s: float, end_s: float) -> list[dict[str, Any]]:
        """A range query in steps of one second, as Prometheus gives it."""
        window = {"start": f"{start_s:.3f}", "end": f"{end_s:.3f}", "step": str(STEP_S)}
        return self._ask("query_range", {"query": query, **window})

    def _ask(self, path: str, form: dict[str, str]) -> list[dict[str, Any]]:
        try:
            answer = requests.post(f"{self._url}/api/v1/{path}", data=form, timeout=TIMEOUT_S).json()
        except (requests.RequestException, ValueError) as exc:
            raise PrometheusAway(f"{self._url}: {exc}") from exc
        if answer.get("status") != "success":
            raise PrometheusAway(f"{form['query']}: {answer.get('error', 'refused')}")
        result: list[dict[str, Any]] = answer["data"]["result"]
        return result


def save_metrics(
    url: str, folder: Path, run_id: str, lane: str, start_s: float, end_s: float, judged: Sequence[Judged]
) -> list[Agreement]:
    """Writes `metrics/`: indicators.json and one file a series. Returns how the indicators agree."""
    prometheus, queries = Prometheus(url), load_queries()
    window = f"{max(1, math.ceil(end_s - start_s))}s"
    rows = {row.indicator: row for row in judged}

    def filled(query: str, indicator: str = "") -> str:
        words = {"$lane": lane, "$run": run_id, "$window": window, "$indicator": indicator}
        for word, text in words.items():
            query = query.replace(word, text)
        return query

    found: list[Agreement] = []
    for one in queries.indicators:
        row = rows.get(one.indicator)
        if row is None:
            continue
        query, target_query = filled(one.query), filled(queries.target, one.indicator)
        actual, target = prometheus.instant(query, end_s), prometheus.instant(target_query, end_s)
        found.append(
            Agreement(
                indicator=one.indicator, query=query, prometheus=actual, run=row.actual, target_query=target_query,
                target=target, locked=row.expected, state=_state(one, actual, row.actual, target, row.expected),
            )
        )  # fmt: skip
    (folder / "metrics").mkdir(exist_ok=True)
    document = {"at_s": end_s, "indicators": [row.model_dump(mode="json") for row in found]}
    (folder / "metrics" / "indicators.json").write_text(json.dumps(document, indent=1) + "\n")
    for series in queries.series:
        query = filled(series.query)
        answer = {"name": series.name, "query": query, "start_s": start_s, "end_s": end_s, "step_s": STEP_S}
        result = prometheus.series(query, start_s, end_s)
        (folder / "metrics" / f"{series.name}.json").write_text(json.dumps({**answer, "result": result}) + "\n")
    return found


def _state(
    how: IndicatorQuery, actual: float | None, run: float | None, target: float | None, locked: float
) -> Literal["agrees", "differs", "no data"]:
    if actual is None or run is None or target is None:
        return "no data"
    slack = how.within * max(abs(run), 1e-9) + (1e-9 if how.agrees == "exact" else 0.0)
    same_target = math.isclose(target, locked, rel_tol=1e-9, abs_tol=1e-9)
    return "agrees" if same_target and abs(actual - run) <= max(slack, 1e-9) else "differs"
