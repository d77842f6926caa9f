"""The queries that are sent to Prometheus at a run's end, as data. A tolerance needs a kind.

In a query stand `$lane`, `$run`, `$window` (first tap to end, as `75s`), and the moments `$first` (first intended tap),
`$opens` (the round), `$measured` (first measured tap), `$last` (last intended tap), `$end`, all Unix seconds, and of
the peak `$peakend` and `$peak`, how much of it lies far enough from its edges.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import Field

from plans.models.document import read_model
from plans.models.partial import Contradiction, PlanModel, check, once
from system.contract.metrics import DELAY_BUCKETS_S, LATENCY_BUCKETS_S

FILE = Path(__file__).resolve().parent.parent / "queries.yaml"
BUCKETS: dict[str, tuple[float, ...]] = {"latency": LATENCY_BUCKETS_S, "delay": DELAY_BUCKETS_S}


class IndicatorQuery(PlanModel):
    """The query for an indicator, and how near its figure must come to that of `run.json`.

    `exact`: differences of raw counters, equal or wrong. `share`: may differ by the share `within`. `absolute`: by
    `within` in the indicator's unit. `bucket`: run.json's figure lies in the bucket of `buckets` (seconds, times
    `per_second`) that Prometheus found, its edges widened by the share `within`.
    """

    indicator: str
    agrees: Literal["exact", "share", "absolute", "bucket"]
    query: str
    why: str = Field(min_length=10)
    within: float = Field(default=0.0, ge=0, le=1.5)
    buckets: Literal["latency", "delay"] | None = None
    per_second: float = 1.0
    counters: tuple[str, ...] = ()
    """Counters that the query depends on: if one restarted in the run, there is no figure."""
    sum_of: str | None = None
    """Pattern of the indicators of the forecast whose sum this is."""

    @check
    def _whole(self) -> Iterator[Contradiction]:
        if (self.agrees == "bucket") != (self.buckets is not None):
            yield Contradiction(("agrees",), "`buckets` belongs to `agrees: bucket`", "both or neither")
        if self.agrees == "exact" and (self.within or not self.counters):
            what = "exact has no tolerance, and stands on counters"
            yield Contradiction(("agrees",), what, "`counters` and no `within`")
        if self.agrees in ("share", "absolute") and not self.within:
            yield Contradiction(("agrees",), f"{self.agrees} needs a tolerance", "`within`")

    def edges(self) -> tuple[float, ...]:
        """The bucket edges in the indicator's unit."""
        return tuple(edge * self.per_second for edge in BUCKETS[self.buckets]) if self.buckets else ()


class SeriesQuery(PlanModel):
    """A series kept over the whole run as `metrics/<name>.json`."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    query: str


class Queries(PlanModel):
    """`plans/queries.yaml`. `target` gives an indicator's bounds (`$indicator` is a pattern)."""

    kind: Literal["queries"]
    target: str
    indicators: tuple[IndicatorQuery, ...]
    series: tuple[SeriesQuery, ...]

    @check
    def _indicators_once(self) -> Iterator[Contradiction]:
        yield from once("indicators", "indicator", [one.indicator for one in self.indicators])

    @check
    def _series_once(self) -> Iterator[Contradiction]:
        yield from once("series", "name", [one.name for one in self.series])


def load_queries(path: Path = FILE) -> Queries:
    """The queries there are. Raises PlanError."""
    return read_model(path, Queries)[0]
