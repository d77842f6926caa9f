"""Percentiles of one time, as every record has them."""

from __future__ import annotations

from harness.runs.base import Record


class Percentiles(Record):
    """Milliseconds; null where fewer than ten samples lie beyond the percentile."""

    p50: float | None = None
    p95: float | None = None
    p99: float | None = None
    p999: float | None = None
    max: float | None = None
