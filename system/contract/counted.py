"""Counts and times the answers of an HTTP process, by route and class of status, under the names of its own catalogue.

The registry is passed in. A path is never a label: the route's template is one, and all unknown paths share another.
"""

from __future__ import annotations

from functools import cache

from prometheus_client import CollectorRegistry, Counter, Histogram

from system.contract.metrics import Metric
from system.contract.web import Count

_STATUS_CLASSES = {2: "2xx", 3: "3xx", 4: "4xx", 5: "5xx"}


def counting(registry: CollectorRegistry, requests: Metric, duration: Metric) -> Count:
    """For `application`: every answer once in `requests` (route, status), its seconds in `duration` (route)."""
    answered = Counter(requests.name, requests.help, requests.labels, registry=registry)
    took = Histogram(duration.name, duration.help, duration.labels, registry=registry, buckets=duration.buckets)

    @cache
    def series(route: str, status: int) -> tuple[Counter, Histogram]:
        # Looked up once: routes are templates, so there are few of them.
        return answered.labels(route, _STATUS_CLASSES.get(status // 100, "5xx")), took.labels(route)

    def count(route: str, status: int, seconds: float) -> None:
        answers, times = series(route, status)
        answers.inc()
        times.observe(seconds)

    return count
