"""Prometheus over HTTP, synchronous and with time-outs; and a process's own `/metrics`. One error type.

No value is invented: no sample, NaN and infinity are None.
"""

from __future__ import annotations

import math
from contextlib import nullcontext
from typing import Any

import requests
from prometheus_client.parser import text_string_to_metric_families

from harness.errors import HarnessError
from harness.loopback import LoopbackSession

TIMEOUT_S = 10.0
MOST_POINTS = 10_000
"""Prometheus refuses a range query of more than 11,000 points a series."""

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


class PromError(HarnessError):
    """No usable answer; the message has the address or the query. `away`: Prometheus did not answer at all."""

    def __init__(self, text: str, *, away: bool = False) -> None:
        super().__init__(text)
        self.away = away


class Prometheus:
    """The query API. A context manager; raises PromError."""

    def __init__(self, url: str, timeout_s: float = TIMEOUT_S) -> None:
        self._url, self._timeout_s = url.rstrip("/"), timeout_s
        self._session = LoopbackSession(timeout_s)

    def vector(self, query: str, at_s: float) -> list[dict[str, Any]]:
        """An instant query's samples, as Prometheus gives them: `metric` and `value` [time, text]."""
        data = self._ask("query", {"query": query, "time": f"{at_s:.3f}"})
        if data["resultType"] != "vector":
            raise PromError(f"{query}: a {data['resultType']}; expected a vector")
        found: list[dict[str, Any]] = data["result"]
        return found

    def value(self, query: str, at_s: float) -> float | None:
        """The one value of an instant query, None if there is none or it is no number.

        Raises PromError for several: a query of one figure that matches two series does not know which it means.
        """
        found = self.vector(query, at_s)
        if len(found) > 1:
            raise PromError(f"{query}: {len(found)} values; expected one")
        return number(found[0]["value"][1]) if found else None

    def series(self, query: str, start_s: float, end_s: float, step_s: int) -> list[dict[str, Any]]:
        """A range query, as Prometheus gives it: `metric` and `values` [[time, text], …]."""
        form = {"query": query, "start": f"{start_s:.3f}", "end": f"{end_s:.3f}", "step": str(step_s)}
        found: list[dict[str, Any]] = self._ask("query_range", form)["result"]
        return found

    def _ask(self, path: str, form: dict[str, str]) -> dict[str, Any]:
        try:
            answer = self._session.post(f"{self._url}/api/v1/{path}", data=form, timeout=self._timeout_s)
        except requests.RequestException as exc:
            raise PromError(f"{self._url} does not answer: {_why(exc)}", away=True) from exc
        try:
            body = answer.json()
            if body["status"] == "success":
                data: dict[str, Any] = body["data"]
                return data
            reason = body.get("error", "no reason given")
        except (ValueError, KeyError, TypeError, AttributeError) as exc:
            raise PromError(f"{self._url}: HTTP {answer.status_code}, no answer of Prometheus", away=True) from exc
        raise PromError(f"{form['query']}: {reason}")

    def close(self) -> None:
        """Let the connection go."""
        self._session.close()

    def __enter__(self) -> Prometheus:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _why(exc: BaseException) -> str:
    """The system's own message; the libraries in between would report their pools and retries."""
    found = type(exc).__name__
    at: BaseException | None = exc
    while at is not None:
        found = at.strerror if isinstance(at, OSError) and at.strerror else found
        at = at.__cause__ or at.__context__
    return found


def number(text: str | float) -> float | None:
    """A sample's value; None for NaN and infinity."""
    value = float(text)
    return value if math.isfinite(value) else None


def step_of(start_s: float, end_s: float) -> int:
    """Whole seconds between points, 1 unless the range is longer than Prometheus answers at once."""
    return max(1, math.ceil((end_s - start_s) / MOST_POINTS))


def read_metrics(url: str, timeout_s: float = 2.0, session: LoopbackSession | None = None) -> Samples:
    """Every sample of a process's `/metrics`, by name and labels. Raises PromError."""
    try:
        with LoopbackSession() if session is None else nullcontext(session) as one:
            answer = one.get(url, timeout=timeout_s)
            answer.raise_for_status()
        families = list(text_string_to_metric_families(answer.text))
    except requests.RequestException as exc:
        raise PromError(f"{url} does not answer: {_why(exc)}", away=True) from exc
    except ValueError as exc:
        raise PromError(f"{url}: not the text of metrics: {exc}") from exc
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }
