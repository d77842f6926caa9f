"""Asks Prometheus once a second what the plan's stop rules want to know. What it does not tell is not known.

A thread of its own, so that a Prometheus that hangs delays no other figure.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence

from harness.own_thread import OwnThread
from harness.runs.state import RunState
from harness.watch.prom import PromError, Prometheus
from plans.models.stress import LOOKS_S
from plans.signals.shape import QueryAnswers

TIMEOUT_S = 2.0


class QuerySampler(OwnThread):
    """Asks into the state until `stop()`. Without a query it does nothing."""

    def __init__(self, url: str, queries: Sequence[str], state: RunState) -> None:
        super().__init__("asking prometheus")
        self._url, self._queries, self._state = url, tuple(dict.fromkeys(queries)), state
        self.rows: list[QueryAnswers] = []

    def start(self) -> None:
        """Begins asking."""
        if self._queries:
            super().start()

    def _run(self) -> None:
        with Prometheus(self._url, TIMEOUT_S) as prometheus:
            while not self._over.is_set():
                self._state.asked = asked(prometheus, self._queries, self._state.now_s)
                self.rows.append(self._state.asked)
                self._over.wait(LOOKS_S)


def asked(prometheus: Prometheus, queries: Sequence[str], at_s: float) -> QueryAnswers:
    """The value of each query now. One without a single value is left out, and the others are asked all the same."""
    values: dict[str, float] = {}
    for query in queries:
        with contextlib.suppress(PromError):
            value = prometheus.value(query, time.time())
            if value is not None:
                values[query] = value
    return QueryAnswers(at_s, values)
