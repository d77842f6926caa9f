"""Dashboards: build, check, push."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from dashboards.grafana import check, lint, render
from dashboards.grafana.errors import QueryFailed
from harness.cli import add_word
from harness.commands import _stacks
from harness.commands._text import emit, figure, table
from harness.errors import EnvironmentNotReady
from harness.prom import PromError, Prometheus
from harness.run_folder import Found, find_run

EXAMPLE = "xiu dash check"
FAIL, NO_DATA = 99, 10


def configure(parser: argparse.ArgumentParser) -> None:
    """The word's sub-words."""
    words = parser.add_subparsers(dest="sub", required=True, metavar="build|check|push")
    build = add_word(words, "build", "write the dashboards' JSON and provisioning files", "xiu dash build --out DIR")
    build.add_argument("--out", type=Path, metavar="DIR", help="elsewhere than dashboards/rendered")
    asked = add_word(words, "check", "ask Prometheus every panel's query, print each value", EXAMPLE)
    push = add_word(words, "push", "bring the dashboards to your Grafana, print the links", "xiu dash push --run last")
    for each in (asked, push):
        each.add_argument("--run", metavar="RUN", help="this run's time (default: the last that Prometheus saw)")
        each.add_argument("--prometheus", metavar="URL", help="this Prometheus instead of the running stack's")
        _stacks.add_stack_options(each)


def run(args: argparse.Namespace) -> int:
    """Do what the sub-word says."""
    words: dict[str, Callable[[argparse.Namespace], int]] = {"build": _build, "check": _check}
    return words[args.sub](args)


def _build(args: argparse.Namespace) -> int:
    folder = args.out or render.RENDERED
    changed = render.write(folder)
    wrong = lint.lint_all(render.rendered(folder).values())
    if args.json:
        emit({"folder": str(folder), "changed": [str(path) for path in changed], "wrong": wrong})
    else:
        print("\n".join([*(f"written: {path}" for path in changed), *wrong]) or f"{folder}: nothing changed")
    return FAIL if wrong else 0


class _Asked:
    """A Prometheus as the check wants it."""

    def __init__(self, prometheus: Prometheus) -> None:
        self._prometheus = prometheus

    def vector(self, query: str, at_s: float) -> list[dict[str, Any]]:
        """See `check.Asker`."""
        return self._try(lambda: self._prometheus.vector(query, at_s))

    def series(self, query: str, start_s: float, end_s: float, step_s: int) -> list[dict[str, Any]]:
        """See `check.Asker`."""
        return self._try(lambda: self._prometheus.series(query, start_s, end_s, step_s))

    def _try(self, ask: Callable[[], list[dict[str, Any]]]) -> list[dict[str, Any]]:
        try:
            return ask()
        except PromError as exc:
            if exc.away:
                raise EnvironmentNotReady(str(exc)) from exc
            raise QueryFailed(str(exc)) from exc


def _prometheus_url(args: argparse.Namespace) -> str:
    """The Prometheus that is meant. Raises EnvironmentNotReady if there is none."""
    if args.prometheus:
        return str(args.prometheus)
    stack = _stacks.need(args)
    if not stack.addresses.prometheus_url:
        raise EnvironmentNotReady("the running stack has no Prometheus; `xiu doctor` names the command that brings it")
    return stack.addresses.prometheus_url


def _span_of(found: Found) -> check.Span:
    """A run's time, with the scrapes that stand at its edges."""
    record = found.record
    start, end = (datetime.fromisoformat(text).timestamp() for text in (record.started_at, record.ended_at))
    return check.Span(start - 1, end + 1)


def _shown(args: argparse.Namespace, asker: _Asked) -> tuple[str, check.Span]:
    """Which run, and the time that a dashboard shows."""
    if args.run:
        found = find_run(args.run, Path(args.runs))
        return found.record.run_id, _span_of(found)
    now_s = time.time()
    return check.newest_run(asker, now_s) or ("", check.Span(now_s - 300, now_s))


def _check(args: argparse.Namespace) -> int:
    wrong = [f"{path}: not what the code builds; run: xiu dash build" for path in render.stale()]
    boards = list(render.rendered().values())
    wrong += lint.lint_all(boards)
    with Prometheus(_prometheus_url(args)) as prometheus:
        asker = _Asked(prometheus)
        run_id, span = _shown(args, asker)
        answers = check.check(asker, boards, span, run_id)
    red = list(check.red(answers))
    code = FAIL if wrong else NO_DATA if red else 0
    if args.json:
        rows = [
            {"board": a.board, "panel": a.panel, "ref": a.ref, "state": a.state, "value": a.value, "most": a.most, "series": a.series,
             "why": a.why, "query": a.query}
            for a in answers
        ]  # fmt: skip
        emit({"run": run_id, "start_s": span.start_s, "end_s": span.end_s, "wrong": wrong, "panels": rows})
        return code
    print("\n".join(_told(answers, run_id, span)))
    for line in wrong:
        print(line, file=sys.stderr)
    for one in red:
        print(f"{one.board}: {one.panel} ({one.ref}): {one.why}: {one.query}", file=sys.stderr)
    verdict = f"{len(red)} of {len(answers)} queries without a value" if red else f"{len(answers)} queries answered"
    print(f"\n{verdict}, {sum(a.state == 'excused' for a in answers)} empty with a reason, {len(wrong)} lint findings")
    return code


def _told(answers: list[check.Answer], run_id: str, span: check.Span) -> list[str]:
    since, until = (
        datetime.fromtimestamp(at).astimezone().isoformat(" ", "seconds") for at in (span.start_s, span.end_s)
    )
    lines = [f"run {run_id or '(none)'}, {since} to {until}"]
    for board in dict.fromkeys(a.board for a in answers):
        rows = [
            [a.panel, a.ref, figure(a.value) if a.value is not None else a.state, figure(a.most), str(a.series)]
            for a in answers
            if a.board == board
        ]
        lines += ["", board, table(("panel", "query", "last", "most", "series"), rows, "  rrr")]
    lines += [f"  empty: {a.panel}: {a.why}" for a in answers if a.state == "excused"]
    return lines
