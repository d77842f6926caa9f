"""Dashboards: build, check, push."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from dashboards.grafana import board as grafana_board
from dashboards.grafana import check, lint, official, provisioning, render, shelf
from dashboards.grafana.errors import GrafanaError, QueryFailed
from dashboards.grafana.publish import TOKEN_VARIABLE, URL_VARIABLE, GrafanaPublisher
from harness.errors import BadInput, EnvironmentNotReady
from harness.runs.folder import RUN_FILE, StoredRun, find_run, run_files
from harness.secrets import hidden
from harness.watch.prom import PromError, Prometheus
from xiu.cli import add_word
from xiu.commands import _stacks
from xiu.commands._prometheus import is_address, named, prometheus_url
from xiu.commands._text import emit, figure, table

EXAMPLE = "xiu dash check"
FAIL, NO_DATA = 99, 10
HEAD_S, TAIL_S = 1.0, 2.0
"""Seconds. A run's verdict is scraped in the first seconds after the run's end; then the run is scraped no more."""
MOST_LINES = 10
DEFAULT_S = 300.0
"""The time range of a dashboard where there is no run."""


def configure(parser: argparse.ArgumentParser) -> None:
    """The sub-commands."""
    words = parser.add_subparsers(dest="sub", required=True, metavar="build|check|push")
    build = add_word(words, "build", "write the dashboards' JSON and provisioning files", "xiu dash build --out DIR")
    build.add_argument("--out", type=Path, metavar="DIR", help="folder to write to (default: dashboards/rendered)")
    asked = add_word(words, "check", "ask Prometheus every panel's query, print each value", EXAMPLE)
    push = add_word(words, "push", "bring the dashboards to your Grafana, print the links", "xiu dash push --run last")
    for name, (variable, what) in ADDRESSES.items():
        push.add_argument(f"--{name}", metavar="URL", help=f"{what} (default: ${variable})")
    for each in (asked, push):
        each.add_argument("--run", metavar="RUN", help="the time range of this run (default: the last one)")
        each.add_argument("--prometheus", metavar="URL", help="this Prometheus instead of the running stack's")
        _stacks.add_stack_options(each)


def run(args: argparse.Namespace) -> int:
    """Carries out the sub-command."""
    words: dict[str, Callable[[argparse.Namespace], int]] = {"build": _build, "check": _check, "push": _push}
    return words[args.sub](args)


def _build(args: argparse.Namespace) -> int:
    """Writes what was built, if nothing is wrong with it; else nothing."""
    folder = args.out or render.RENDERED
    made, kept = render.files(folder), folder / official.FILE.name
    wrong = lint.lint_all([json.loads(text) for path, text in made.items() if path != kept], kept, made[kept])
    changed = [] if wrong else render.write(folder) + provisioning.write(folder / provisioning.FOLDER.name)
    if args.json:
        emit({"folder": str(folder), "changed": [str(path) for path in changed], "wrong": wrong})
    else:
        print("\n".join([*(f"written: {path}" for path in changed), *wrong]) or f"{folder}: nothing changed")
        if wrong:
            print(f"{folder}: nothing was written", file=sys.stderr)
    return FAIL if wrong else 0


class _PrometheusApi:
    """What the check needs of a Prometheus."""

    def __init__(self, prometheus: Prometheus) -> None:
        self._prometheus = prometheus

    def vector(self, query: str, at_s: float) -> list[dict[str, Any]]:
        """See `check.QueryApi`."""
        return self._try(lambda: self._prometheus.vector(query, at_s))

    def series(self, query: str, start_s: float, end_s: float, step_s: int) -> list[dict[str, Any]]:
        """See `check.QueryApi`."""
        return self._try(lambda: self._prometheus.series(query, start_s, end_s, step_s))

    def _try(self, ask: Callable[[], list[dict[str, Any]]]) -> list[dict[str, Any]]:
        try:
            return ask()
        except PromError as exc:
            if exc.away:
                raise EnvironmentNotReady(str(exc)) from exc
            raise QueryFailed(str(exc)) from exc


def _span_of(found: StoredRun) -> check.Span:
    """A run's time range, with the scrapes at both edges."""
    record = found.record
    start, end = (datetime.fromisoformat(text).timestamp() for text in (record.started_at, record.ended_at))
    return check.Span(start - HEAD_S, end + TAIL_S)


def _shown(args: argparse.Namespace, asker: _PrometheusApi) -> tuple[str, check.Span]:
    """Which run, and the time range that a dashboard shows."""
    if args.run:
        found = find_run(args.run, Path(args.runs))
        return found.record.run_id, _span_of(found)
    now_s = time.time()
    seen = check.newest_run(asker, now_s)
    if seen is None and run_files(Path(args.runs)):
        found = find_run("last", Path(args.runs))
        return found.record.run_id, _span_of(found)
    return seen or ("", check.Span(now_s - DEFAULT_S, now_s))


def _disturbed(args: argparse.Namespace, run_id: str) -> bool:
    """Was a fault injected in that run? No, where its record is not here."""
    file = Path(args.runs) / run_id / RUN_FILE
    named = args.run or (str(file.parent) if run_id and file.is_file() else "")
    return bool(named) and any(
        one.get("injected_s") is not None for one in find_run(named, Path(args.runs)).record.drills
    )


def _check(args: argparse.Namespace) -> int:
    boards, wrong = _rendered()
    with prometheus_url(args) as url, Prometheus(url) as prometheus:
        asker = _PrometheusApi(prometheus)
        run_id, span = _shown(args, asker)
        answers = check.check(asker, boards, span, run_id, disturbed=_disturbed(args, run_id))
    red = list(check.red(answers))
    code = FAIL if wrong else NO_DATA if red else 0
    if args.json:
        rows = [asdict(answer) for answer in answers]
        emit({"run": run_id, "start_s": span.start_s, "end_s": span.end_s, "wrong": wrong, "panels": rows})
        return code
    print("\n".join(_figure_lines(answers, run_id, span)))
    for line in wrong:
        print(line, file=sys.stderr)
    if red and not any(answer.state == "value" for answer in answers):
        red_lines = [f"this Prometheus holds nothing of {run_id or 'that time'}; is it the one that saw the run?"]
    else:
        red_lines = [_red(one) for one in red]
    for line in red_lines[:MOST_LINES]:
        print(line, file=sys.stderr)
    if len(red_lines) > MOST_LINES:
        print(f"and {len(red_lines) - MOST_LINES} more", file=sys.stderr)
    verdict = f"{len(red)} of {len(answers)} queries without a value" if red else f"{len(answers)} queries answered"
    print(f"\n{verdict}, {sum(a.state == 'excused' for a in answers)} empty with a reason, {len(wrong)} lint findings")
    return code


def _red(one: check.PanelFigure) -> str:
    """An empty or failed query in one sentence, with the file and line of its panel."""
    board = shelf.by_uid().get(one.board)
    place = f"{shelf.where(board, one.panel)}: " if board is not None else ""
    expected = "; expected a figure, or an excuse in that file" if one.state == "empty" else ""
    return f"{place}{one.board}: {one.panel} ({one.ref}): {one.why}: {one.query}{expected}"


def _rendered() -> tuple[list[dict[str, Any]], list[str]]:
    """The committed dashboards, and what is wrong with them."""
    old = [f"{path}: not what the code builds; run: xiu dash build" for path in render.stale() + provisioning.stale()]
    if old:
        return [render.built(board) for board in shelf.boards()], old
    boards = list(render.rendered().values())
    return boards, lint.lint_all(boards)


def _push(args: argparse.Namespace) -> int:
    boards, wrong = _rendered()
    if wrong:
        print("\n".join(wrong), file=sys.stderr)
        return FAIL
    url, token = (os.environ.get(name, "") for name in (URL_VARIABLE, TOKEN_VARIABLE))
    missing = [name for name, value in ((URL_VARIABLE, url), (TOKEN_VARIABLE, token)) if not value]
    if missing:
        raise EnvironmentNotReady(f"{' and '.join(missing)} not set; docs/grafana.md shows how to get a token")
    source, notes = _source(args), []
    addresses = _addresses(args)
    boards = [render.with_addresses(board, addresses) for board in boards]
    found, note = _run_to_show(args, source)
    notes += note
    with GrafanaPublisher(url, token) as grafana:
        done, failed = _carried_out(_steps(grafana, boards, source, found))
        if failed is not None and not any(state in ("made", "changed") for state in done.values()):
            raise failed
        if failed is not None:
            raise GrafanaError(f"half pushed: {_listed(done)}; {failed}")
        if not source:
            notes.append("no stack runs here, so the data source was left as it was; --prometheus URL names one")
        if missing := [f"--{name}" for name in ADDRESSES if not addresses[name]]:
            notes.append(f"without {' and '.join(missing)} a person fills in the address above the dashboard")
        if done.get(SOURCE_STEP) == "left alone":
            notes.append(f"the data source comes from a file and has another address than {hidden(source)}: left alone")
        run_id = found.record.run_id if found else ""
        start, end = ("now-5m", "now") if found is None else map(str, _milliseconds(found))
        chosen = {"datasource": provisioning.DATASOURCE_UID if source else ""}
        links = [grafana.link(board["uid"], start, end, **chosen, **_variable(board, run_id)) for board in boards]
    if args.json:
        emit({"run": run_id, "links": links, "notes": notes, "done": done})
    else:
        print("\n".join([*(f"note: {note}" for note in notes), _listed(done), *links]))
    return 0


ADDRESSES = {
    grafana_board.REPORTS: ("XIU_REPORTS_URL", "where the folder of runs is served, for links to reports"),
    grafana_board.RUNBOOKS: ("XIU_RUNBOOK_URL", "where docs/ is served, for links to runbooks"),
}
"""Variable of the dashboards → that of the environment, and what it holds."""
SOURCE_STEP = "data source"
Step = tuple[str, Callable[[], str]]


def _steps(
    grafana: GrafanaPublisher, boards: list[dict[str, Any]], source: str, found: StoredRun | None
) -> Iterator[Step]:
    """The steps of a push, in order: each needs the one before."""
    yield "folder", lambda: grafana.ensure_folder(provisioning.FOLDER_UID, provisioning.FOLDER_TITLE)
    if source:
        uid, name = provisioning.DATASOURCE_UID, provisioning.DATASOURCE_NAME
        yield SOURCE_STEP, lambda: grafana.upsert_datasource(uid, name, source, provisioning.SCRAPE)
    for board in boards:
        yield f"dashboard {board['uid']}", partial(grafana.upsert_dashboard, board, provisioning.FOLDER_UID)
    if found is not None:
        start, end = _milliseconds(found)
        tags = (grafana_board.TAG, f"run:{found.record.run_id.lower()}")
        title = f"{found.record.run_id}: {found.record.verdict}"
        yield "annotation", lambda: grafana.annotate(start, end, title, tags)


def _carried_out(steps: Iterable[Step]) -> tuple[dict[str, str], GrafanaError | None]:
    """The result of each step; after a failed one nothing more is sent."""
    done: dict[str, str] = {}
    failed: GrafanaError | None = None
    for what, step in steps:
        if failed is not None:
            done[what] = "not tried"
            continue
        try:
            done[what] = step()
        except GrafanaError as exc:
            failed, done[what] = exc, "failed"
    return done, failed


def _listed(done: Mapping[str, str]) -> str:
    """Each step with its result, in one line."""
    return ", ".join(f"{what} {state}" for what, state in done.items())


def _milliseconds(found: StoredRun) -> tuple[int, int]:
    span = _span_of(found)
    return round(span.start_s * 1000), round(span.end_s * 1000)


def _variable(board: dict[str, Any], run_id: str) -> dict[str, str]:
    """The run that a dashboard shows."""
    return {"run": run_id} if any(one["name"] == "run" for one in board["templating"]["list"]) else {}


def _run_to_show(args: argparse.Namespace, source: str) -> tuple[StoredRun | None, list[str]]:
    """The run named, else the last one, else None; and a note for the person.

    Raises BadInput for a run named that this Prometheus never saw, EnvironmentNotReady where Prometheus does not
    answer.
    """
    found = None
    if args.run is not None or run_files(Path(args.runs)):
        found = find_run(args.run or "last", Path(args.runs))
    if not source:
        asked = f"no Prometheus could be asked whether it saw the run {args.run}: --prometheus URL names one"
        return found, [asked] if args.run is not None else []
    with Prometheus(source) as prometheus:
        asker = _PrometheusApi(prometheus)
        if found is None:
            asker.vector("vector(1)", time.time())
        elif not check.saw(asker, found.record.run_id, _span_of(found)):
            never = f"the Prometheus at {hidden(source)} never saw the run {found.record.run_id}"
            if args.run is not None:
                raise BadInput(never, expected="the Prometheus of the stack it ran on, or --run with one of its runs")
            return None, [f"{never}, the last one here: the links show the last five minutes"]
    return found, []


def _source(args: argparse.Namespace) -> str:
    """Address of the Prometheus that Grafana is to read; empty if none is known."""
    if args.prometheus is not None:
        return named(args)
    stack = _stacks.chosen(args)
    return (stack.addresses.prometheus_url or "") if stack else ""


def _addresses(args: argparse.Namespace) -> dict[str, str]:
    """Addresses by variable of the dashboards; empty where none was given. Raises BadInput for what is no address."""
    found = {}
    for name, (variable, _) in ADDRESSES.items():
        given, around = getattr(args, name), os.environ.get(variable, "").strip()
        # Runbooks may be files of this host (see harness.stack.people); a browser does not follow such a link from
        # Grafana.
        url = found[name] = given if given is not None else "" if around.startswith("file:") else around
        if (url or given is not None) and not is_address(url):
            raise BadInput(f"--{name} {hidden(url)}", expected="an address, as http://127.0.0.1:8000")
    return {name: url.rstrip("/") for name, url in found.items()}


def _figure_lines(answers: list[check.PanelFigure], run_id: str, span: check.Span) -> list[str]:
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
