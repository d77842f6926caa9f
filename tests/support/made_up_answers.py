"""Answers to queries, made up: what Prometheus would say to a board."""

from __future__ import annotations

from typing import Any

from dashboards.grafana.check import Span

SPAN = Span(1000.0, 1060.0)


class Fake:
    """Answers every query the same, and keeps what was asked."""

    def __init__(self, *series: list[list[Any]], labels: tuple[dict[str, str], ...] = ()) -> None:
        self.rows = [{"metric": labels[k] if labels else {}, "values": one} for k, one in enumerate(series)]
        self.asked: list[str] = []

    def vector(self, query: str, at_s: float) -> list[dict[str, Any]]:
        self.asked.append(query)
        return [{"metric": row["metric"], "value": row["values"][-1]} for row in self.rows]

    def series(self, query: str, start_s: float, end_s: float, step_s: int) -> list[dict[str, Any]]:
        self.asked.append(query)
        return self.rows
