"""A credit worker's metrics, by the names of system/contract/metrics.py. The registry is passed in, no globals."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial

import numpy as np
from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.core import HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from system.contract.ids import Lane
from system.contract.metrics import CREDIT_OUTCOMES, DELAY_BUCKETS_S, METRICS
from system.contract.people import AREAS, TIERS, traits
from system.credit.post import Posted

_HELP = {metric.name: metric.help for metric in METRICS}


def _one(values: Callable[[], Mapping[str, int]], key: str) -> float:
    return values()[key]


class DelayHistogram(Collector):
    """Award to commit in seconds, counted for whole batches at once."""

    NAME = "hongbao_credit_delay_seconds"

    def __init__(self, lane: Lane) -> None:
        self._lane = lane
        self._counts = np.zeros(len(DELAY_BUCKETS_S) + 1, dtype=np.int64)
        self._sum = 0.0

    def observe(self, delay_s: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> None:
        # side="left": a value on an edge belongs to the bucket it closes, as `le` says.
        place = np.searchsorted(np.array(DELAY_BUCKETS_S), delay_s, side="left")
        self._counts += np.bincount(place, minlength=len(self._counts))
        self._sum += float(delay_s.sum())

    def collect(self) -> Iterable[Metric]:
        family = HistogramMetricFamily(self.NAME, _HELP[self.NAME], labels=["lane"])
        edges = [*(str(edge) for edge in DELAY_BUCKETS_S), "+Inf"]
        counts = np.cumsum(self._counts).tolist()
        family.add_metric([self._lane], list(zip(edges, counts, strict=True)), self._sum)
        yield family


class CreditMetrics:
    """The worker's counters and gauges, all with its lane."""

    def __init__(self, registry: CollectorRegistry, lane: Lane) -> None:
        self._lane = lane
        self._credits = self._counter(registry, "hongbao_credits_total", "outcome")
        self._fen = self._counter(registry, "hongbao_credited_fen_total").labels(lane)
        self._held = self._counter(registry, "hongbao_suspense_fen_total").labels(lane)
        self._batches = self._counter(registry, "hongbao_credit_batches_total").labels(lane)
        self.errors = self._counter(registry, "hongbao_credit_errors_total").labels(lane)
        self.lag = self._gauge(registry, "hongbao_stream_lag_entries").labels(lane)
        self._age = self._gauge(registry, "hongbao_stream_oldest_age_seconds").labels(lane)
        self._age.set_function(self._oldest_age_s)
        self.stopped = self._gauge(registry, "hongbao_credit_stopped_streams").labels(lane)
        self.progress_at = time.monotonic()
        progress = self._gauge(registry, "hongbao_credit_progress_age_seconds").labels(lane)
        progress.set_function(lambda: time.monotonic() - self.progress_at)
        self._switch = Gauge("hongbao_switch", _HELP["hongbao_switch"], ["key", "lane"], registry=registry)
        homes = self._counter(registry, "hongbao_credits_by_home_total", "tier", "area")
        self._homes = [homes.labels(lane, tier, area) for tier in TIERS for area in AREAS]
        self._delay = DelayHistogram(lane)
        registry.register(self._delay)
        self.oldest_us: int | None = None
        for outcome in CREDIT_OUTCOMES:
            self._credits.labels(lane, outcome)

    @staticmethod
    def _counter(registry: CollectorRegistry, name: str, *labels: str) -> Counter:
        return Counter(name, _HELP[name], ["lane", *labels], registry=registry)

    @staticmethod
    def _gauge(registry: CollectorRegistry, name: str) -> Gauge:
        return Gauge(name, _HELP[name], ["lane"], registry=registry)

    def _oldest_age_s(self) -> float:
        """Grows while a store is away: a missing reading is not good news."""
        return 0.0 if self.oldest_us is None else max(0.0, time.time() - self.oldest_us / 1e6)

    def follow(self, values: Callable[[], Mapping[str, int]]) -> None:
        """The switches that the worker obeys at that moment, shown also while it waits for a store."""
        for key in values():
            self._switch.labels(key, self._lane).set_function(partial(_one, values, key))

    def posted(self, batch: Posted, committed_us: int) -> None:
        """Counts a batch, once it is known to be committed."""
        for outcome, count in zip(CREDIT_OUTCOMES, (batch.postings, batch.duplicates, batch.suspended), strict=True):
            self._credits.labels(self._lane, outcome).inc(count)
        self._settled_in(batch)
        self._fen.inc(batch.fen)
        self._held.inc(batch.held_fen)
        self._batches.inc()
        self._delay.observe((committed_us - batch.award_us.astype(np.int64)) / 1e6)

    def _settled_in(self, batch: Posted) -> None:
        """Where those live whose accounts the batch filled."""
        crowd = traits(batch.uid)
        place = (crowd.tier - 1) * len(AREAS) + crowd.country
        for home, count in zip(self._homes, np.bincount(place, minlength=len(self._homes)).tolist(), strict=True):
            home.inc(count)
