"""Sends Prometheus every panel's query as Grafana would, and judges the answers. No data is never green.

The caller passes in a `QueryApi`, which knows how to reach Prometheus.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

from dashboards.grafana import shelf
from dashboards.grafana.errors import QueryFailed

SCRAPE_S = 1
"""The scrape interval of the stack's Prometheus and of the provisioned data source."""
POINTS = 1_000
"""About as many points as Grafana asks for, for a panel across half a screen."""
WITHOUT_QUERY = ("datasource", "textbox")
State = Literal["value", "empty", "excused", "failed"]
_LABEL_VALUES = re.compile(r"label_values\((?P<metric>.+), *(?P<label>\w+)\)")


class QueryApi(Protocol):
    """Prometheus's query API. Raises QueryFailed for a query that it refuses; any other exception ends the check."""

    def vector(self, query: str, at_s: float) -> list[dict[str, Any]]:
        """Samples of an instant query: `metric`, `value` [time, text]."""

    def series(self, query: str, start_s: float, end_s: float, step_s: int) -> list[dict[str, Any]]:
        """Series of a range query: `metric`, `values` [[time, text], …]."""


@dataclass(frozen=True, slots=True)
class Span:
    """The time a dashboard shows, Unix seconds."""

    start_s: float
    end_s: float

    @property
    def step_s(self) -> int:
        """Grafana's `$__interval`: never below the scrape."""
        return max(SCRAPE_S, math.ceil((self.end_s - self.start_s) / POINTS))

    def words(self) -> dict[str, str]:
        """Grafana's own variables."""
        length = max(1, round(self.end_s - self.start_s))
        return {
            "__interval": f"{self.step_s}s",
            "__rate_interval": f"{max(self.step_s + SCRAPE_S, 4 * SCRAPE_S)}s",
            "__range": f"{length}s",
            "__range_s": str(length),
        }


@dataclass(frozen=True, slots=True)
class PanelFigure:
    """What one query of a panel shows: the last figure, and of how many series. `why`: for what is not a value."""

    board: str
    panel: str
    ref: str
    query: str
    state: State
    value: float | None
    series: int
    why: str = ""
    most: float | None = None
    """The largest figure within the time."""

    @property
    def red(self) -> bool:
        """Does it fail the check?"""
        return self.state in ("empty", "failed")


def check(
    asker: QueryApi, boards: Iterable[Mapping[str, Any]], span: Span, run: str = "", *, disturbed: bool = False
) -> list[PanelFigure]:
    """Every query of every panel, in order. `run`: the run a dashboard's variable of that name is set to.

    `disturbed`: a fault was injected in that time, so the panels of faults and alerts have to show something.
    """
    found = []
    under_way = goes_on(asker, run, span)
    for board in boards:
        words = span.words() | variables(asker, board, span, {"run": run} if run else {})
        for panel in board["panels"]:
            for target in panel.get("targets", ()):
                answer = _answer(asker, board["uid"], panel, target, words, span)
                if answer.state == "empty":
                    why = _excuse(asker, answer, span, disturbed=disturbed, under_way=under_way)
                    answer = replace(answer, state="excused", why=why) if why else answer
                found.append(answer)
    return found


def _excuse(asker: QueryApi, answer: PanelFigure, span: Span, *, disturbed: bool, under_way: bool) -> str:
    """Why this query may be empty now, by its dashboard's excuses; empty if it may not."""
    board = shelf.by_uid().get(answer.board)
    for one in board.may_be_empty(answer.panel, answer.ref) if board is not None else ():
        if (one.undisturbed and disturbed) or (one.under_way and not under_way):
            continue
        if one.without_job and (one.without_job in (there := jobs(asker, span)) or not there):
            continue
        return one.why
    return ""


def goes_on(asker: QueryApi, run: str, span: Span) -> bool:
    """Is the run under way at the end of that time? Raises QueryFailed."""
    asked = f'drill_run_verdict{{run_id={json.dumps(run)},verdict="RUNNING"}} == 1'
    return bool(run) and bool(asker.vector(asked, span.end_s))


def saw(asker: QueryApi, run: str, span: Span) -> bool:
    """Was that run scraped within that time? Raises QueryFailed."""
    asked = f"count(drill_run_info{{run_id={json.dumps(run)}}})"
    return bool(asker.series(asked, span.start_s, span.end_s, span.step_s))


def jobs(asker: QueryApi, span: Span) -> set[str]:
    """Jobs that had a target within the time, down or not; none where Prometheus saw nothing. Raises QueryFailed."""
    return set(label_values(asker, "label_values(up, job)", span))


def variables(asker: QueryApi, board: Mapping[str, Any], span: Span, chosen: Mapping[str, str]) -> dict[str, str]:
    """The dashboard's variables as Grafana sets them at first, or as chosen; one without a value matches nothing."""
    found: dict[str, str] = {}
    for one in board["templating"]["list"]:
        if one["type"] in WITHOUT_QUERY:
            continue
        if one["name"] in chosen:
            found[one["name"]] = chosen[one["name"]]
            continue
        if one.get("allValue"):
            found[one["name"]] = one["allValue"]
            continue
        values = label_values(asker, filled(one["definition"], found), span)
        if one.get("sort") == 2:
            values.reverse()
        if one.get("includeAll"):
            found[one["name"]] = "(" + "|".join(map(_escaped, values)) + ")"
        else:
            found[one["name"]] = values[0] if values else ""
    return found


def _escaped(value: str) -> str:
    """As Grafana puts a value into a regular expression inside a PromQL string."""
    return re.sub(r"[\\^$*+?.()|\[\]{}/]", lambda match: "\\\\" + match[0], value)


def label_values(asker: QueryApi, definition: str, span: Span) -> list[str]:
    """Values of a `label_values(metric, label)` within the time, sorted."""
    match = _LABEL_VALUES.fullmatch(definition)
    if match is None:
        raise ValueError(f"{definition}: expected label_values(metric, label)")
    rows = asker.series(f"group by ({match['label']}) ({match['metric']})", span.start_s, span.end_s, span.step_s)
    return sorted({row["metric"][match["label"]] for row in rows if match["label"] in row["metric"]})


def filled(expr: str, words: Mapping[str, str]) -> str:
    """The query with its variables. Raises KeyError for a variable that is not known."""
    return re.sub(r"\$\{?(\w+)\}?", lambda match: words[match[1]], expr)


def _answer(
    asker: QueryApi,
    board: str,
    panel: Mapping[str, Any],
    target: Mapping[str, Any],
    words: Mapping[str, str],
    span: Span,
) -> PanelFigure:
    title, ref = panel["title"], target["refId"]
    try:
        query = filled(target["expr"], words)
    except KeyError as exc:
        return PanelFigure(board, title, ref, target["expr"], "failed", None, 0, f"no variable {exc}")
    try:
        if target.get("instant"):
            rows = [[row["value"]] for row in asker.vector(query, span.end_s)]
        else:
            rows = [row["values"] for row in asker.series(query, span.start_s, span.end_s, span.step_s)]
    except QueryFailed as exc:
        return PanelFigure(board, title, ref, query, "failed", None, 0, str(exc))
    value = last_and_most(rows)
    if value is not None:
        return PanelFigure(board, title, ref, query, "value", value[0], len(rows), most=value[1])
    why = "not a number" if rows else "no sample"
    return PanelFigure(board, title, ref, query, "empty", None, len(rows), why)


def last_and_most(rows: Sequence[Sequence[Sequence[Any]]]) -> tuple[float, float] | None:
    """The last figure of all series (of several at that time the largest), and the largest; None without any."""
    points = [(float(at), float(text)) for row in rows for at, text in row]
    finite = [(at, value) for at, value in points if math.isfinite(value)]
    return (max(finite)[1], max(value for _, value in finite)) if finite else None


def newest_run(asker: QueryApi, now_s: float, back_s: float = 6 * 3600.0) -> tuple[str, Span] | None:
    """The run that Prometheus saw last, with the time it was scraped in."""
    step_s = max(1, math.ceil(back_s / 10_000))
    rows = asker.series("max by (run_id) (drill_run_info)", now_s - back_s, now_s, step_s)
    seen = [(float(row["values"][-1][0]), float(row["values"][0][0]), str(row["metric"]["run_id"])) for row in rows]
    if not seen:
        return None
    last_s, first_s, run = max(seen)
    # To the second: what is reported last is there for some seconds only, and then the series has ended.
    asked = f"max by (run_id) (drill_run_info{{run_id={json.dumps(run)}}})"
    again = asker.series(asked, last_s, min(now_s, last_s + step_s), 1)
    ends = [float(row["values"][-1][0]) for row in again if row["metric"].get("run_id") == run]
    return run, Span(first_s - step_s, max(ends, default=last_s))


def red(answers: Iterable[PanelFigure]) -> Iterator[PanelFigure]:
    """Those that fail the check."""
    return (one for one in answers if one.red)
