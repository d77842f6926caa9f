"""Sends queries to Prometheus at a run's end and keeps the answers, so that the run can be read without Prometheus.

Missing data is reported, never filled in: a failed query, an empty or a not-a-number answer agrees with nothing.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from harness.forecast.judge import Judged
from harness.phrases import Sentence, sentence
from harness.runs.folder import write_text
from harness.watch.prom import PromError, Prometheus, number, step_of
from plans.metrics import BOUNDS
from plans.models.queries import IndicatorQuery, Queries, load_queries

PEAK_EDGE_S = 5.0
"""What rates of 3 s, as a scrape sees them up to 1.5 s late, show of the time before the peak; whole seconds."""

AgreementState = Literal["agrees", "differs", "no data"]


class _Data(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


@dataclass(frozen=True, slots=True)
class Moments:
    """When things happened, Unix seconds: first intended tap, the round's opening, first measured and last tap.

    `peak_s`: from when to when the load stood at its peak, None if it did not or with a break.
    """

    first_s: float
    opens_s: float
    measured_s: float
    last_s: float
    peak_s: tuple[float, float] | None = None

    def words(self, end_s: float) -> dict[str, str]:
        """The `$words` of a query that are moments. Those of the peak are missing where it was too short to look at."""
        found = {
            "window": f"{max(1, math.ceil(end_s - self.first_s))}s",
            "first": f"{self.first_s:.3f}",
            "opens": f"{self.opens_s:.3f}",
            "measured": f"{self.measured_s:.3f}",
            "last": f"{self.last_s:.3f}",
            "end": f"{end_s:.3f}",
        }
        if self.peak_s is not None and self.peak_s[1] - self.peak_s[0] >= PEAK_EDGE_S + 1:
            found["peak"] = f"{self.peak_s[1] - self.peak_s[0] - PEAK_EDGE_S:.0f}s"
            found["peakend"] = f"{self.peak_s[1]:.3f}"
        return found


class IndicatorReading(_Data):
    """Prometheus's figure of one indicator. `target`: by bound. `missing`: why there is no figure, in words."""

    indicator: str
    query: str
    prometheus: float | None
    target_query: str
    target: dict[str, float]
    missing: str = ""


class SavedMetrics(_Data):
    """`metrics/indicators.json`, before anything is compared."""

    run_id: str
    at_s: float
    indicators: tuple[IndicatorReading, ...]
    failed_series: dict[str, str] = {}


class Agreement(_Data):
    """One indicator as Prometheus and run.json have it; `kind` and `within` say how near is near enough."""

    indicator: str
    query: str
    prometheus: float | None
    run: float | None
    target_query: str
    target: dict[str, float]
    locked: dict[str, float]
    kind: str
    within: float
    state: AgreementState
    why: str


def save_metrics(
    url: str,
    folder: Path,
    run_id: str,
    lane: str,
    start_s: float,
    end_s: float,
    judged: Sequence[Judged],
    moments: Moments | None = None,
) -> list[Agreement]:
    """Writes `metrics/`: `indicators.json` and one file a series, each with its query. Returns how they agree.

    Call it while the run is still scraped, two scrapes after its last figure; without `moments` the first tap is taken
    to be at `start_s`. Raises PromError only if nobody answers; a query that fails is kept with its error.
    """
    queries = load_queries()
    with Prometheus(url) as prometheus:
        saved = ask(prometheus, queries, folder, run_id, lane, start_s, end_s, moments)
    rows = agreement(queries, saved, judged)
    document = saved.model_dump(mode="json") | {"indicators": [row.model_dump(mode="json") for row in rows]}
    write_text(folder / "metrics" / "indicators.json", _json(document))
    return rows


def ask(
    prometheus: Prometheus,
    queries: Queries,
    folder: Path,
    run_id: str,
    lane: str,
    start_s: float,
    end_s: float,
    moments: Moments | None,
) -> SavedMetrics:
    """Every query, asked as of `end_s`; writes the series. Raises PromError if nobody answers."""
    at = moments or Moments(start_s, start_s, start_s, end_s)
    words = {"lane": lane, "run": run_id} | at.words(end_s)
    asked = tuple(_indicator(prometheus, queries, one, words, end_s) for one in queries.indicators)
    (folder / "metrics").mkdir(exist_ok=True)
    failed: dict[str, str] = {}
    step_s = step_of(start_s, end_s)
    for series in queries.series:
        query = fill(series.query, words)
        kept: dict[str, Any] = {"name": series.name, "query": query}
        kept |= {"start_s": start_s, "end_s": end_s, "step_s": step_s, "result": []}
        try:
            kept["result"] = prometheus.series(query, start_s, end_s, step_s)
        except PromError as exc:
            if exc.away:
                raise
            kept["error"] = failed[series.name] = str(exc)
        write_text(folder / "metrics" / f"{series.name}.json", _json(kept))
    return SavedMetrics(run_id=run_id, at_s=end_s, indicators=asked, failed_series=failed)


def _indicator(
    prometheus: Prometheus, queries: Queries, one: IndicatorQuery, words: dict[str, str], end_s: float
) -> IndicatorReading:
    target_query = fill(queries.target, words | {"indicator": one.sum_of or one.indicator})
    query, value, missing = one.query, None, ""
    target: dict[str, float] = {}
    try:
        query = fill(query, words)
        value = prometheus.value(query, end_s)
        missing = "" if value is not None else "no sample, or not a number"
        if value is not None and one.counters and _began_anew(prometheus, one, words, end_s):
            value, missing = None, "a counter began anew during the run"
        for row in prometheus.vector(target_query, end_s):
            bound = number(row["value"][1])
            if bound is not None:
                target[row["metric"].get("bound", "")] = bound
    except KeyError as exc:
        missing = f"the run had no moment {exc}, or too short a one"
    except PromError as exc:
        if exc.away:
            raise
        value, missing = None, str(exc)
    return IndicatorReading(
        indicator=one.indicator,
        query=query,
        prometheus=value,
        target_query=target_query,
        target=target,
        missing=missing,
    )


def _began_anew(prometheus: Prometheus, one: IndicatorQuery, words: dict[str, str], end_s: float) -> bool:
    resets = (
        prometheus.value(fill(f'sum(resets({name}{{lane="$lane"}}[$window]))', words), end_s) for name in one.counters
    )
    return any((found or 0.0) > 0 for found in resets)


def fill(query: str, words: dict[str, str]) -> str:
    """The query with its `$words`. Raises KeyError for an unknown word."""
    return re.sub(r"\$([a-z]+)", lambda match: words[match[1]], query)


def agreement(queries: Queries, saved: SavedMetrics, judged: Sequence[Judged]) -> list[Agreement]:
    """Prometheus's figures beside run.json's; an indicator that the forecast does not have is left out."""
    how = {one.indicator: one for one in queries.indicators}
    rows: list[Agreement] = []
    for asked in saved.indicators:
        one = how[asked.indicator]
        wanted = re.compile(one.sum_of or re.escape(one.indicator))
        mine = [row for row in judged if wanted.fullmatch(row.indicator)]
        if not mine:
            continue
        actuals = [row.actual for row in mine if row.actual is not None]
        run = sum(actuals) if len(actuals) == len(mine) else None
        locked = {bound: float(sum(getattr(row, bound) for row in mine)) for bound in BOUNDS}
        state, why = _compare(one, asked, run, locked)
        rows.append(
            Agreement(
                **asked.model_dump(exclude={"missing"}),
                run=run,
                locked=locked,
                kind=one.agrees,
                within=one.within,
                state=state,
                why=why,
            )
        )
    return rows


def _compare(
    one: IndicatorQuery, asked: IndicatorReading, run: float | None, locked: dict[str, float]
) -> tuple[AgreementState, str]:
    if asked.prometheus is None:
        return "no data", asked.missing
    if run is None:
        return "no data", "run.json has no figure"
    if set(asked.target) != set(locked):
        return "no data", f"targets of {', '.join(sorted(asked.target)) or 'no bound'}; expected {', '.join(locked)}"
    for bound, value in locked.items():
        if not math.isclose(asked.target[bound], value, rel_tol=1e-9, abs_tol=1e-9):
            return "differs", f"target {bound}: {asked.target[bound]:g}, locked {value:g}"
    low, high = near(one, asked.prometheus)
    if low <= run <= high:
        return "agrees", one.why
    return "differs", f"run.json has {run:g}; expected {low:g} to {high:g}"


def near(one: IndicatorQuery, value: float) -> tuple[float, float]:
    """The range in which run.json's figure agrees with Prometheus's `value`."""
    if one.agrees == "exact":
        return value, value
    if one.agrees == "absolute":
        return value - one.within, value + one.within
    if one.agrees == "share":
        return min(value * (1 - one.within), value), max(value * (1 + one.within), value)
    edges = (0.0, *one.edges())
    if value >= edges[-1]:  # the last bucket has no end: Prometheus answers with its lower edge
        return edges[-1] * (1 - one.within), math.inf
    low, high = next((low, high) for low, high in pairwise(edges) if value <= high)
    return low * (1 - one.within), high * (1 + one.within)


def agreed(rows: Sequence[Agreement]) -> Sentence:
    """How many indicators agree, and which do not."""
    apart = [row.indicator for row in rows if row.state != "agrees"]
    counts = {"agree": len(rows) - len(apart), "count": len(rows)}
    return (
        sentence("prometheus_apart", **counts, names=", ".join(apart))
        if apart
        else sentence("prometheus_agrees", **counts)
    )


def _json(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n"
