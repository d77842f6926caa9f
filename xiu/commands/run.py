"""Finished runs: list, show, report, compare, trend."""

from __future__ import annotations

import argparse
import os
import sys
import textwrap
from pathlib import Path

from harness.errors import BadInput, closest
from harness.report import climb
from harness.report.html import render_html
from harness.report.junit import render_junit
from harness.report.links import runbooks
from harness.report.scope import faults, played
from harness.runs.compare import Comparison, alike, compare
from harness.runs.find import StoredRun, all_runs, find_run
from harness.runs.folder import REPORT_FILE, write_text
from harness.runs.groups import compare_groups
from harness.runs.ledger_lines import books_of
from harness.runs.record import Load, RunRecord
from harness.runs.trend import Point, trend
from system.contract.numbers import shown, whole_number
from xiu.cli import add_word
from xiu.commands._summary import bars, markdown
from xiu.commands._text import emit, figure, judged_table, table, yuan
from xiu.commands._together import refuse

EXAMPLE = "xiu run show last"
RUNS = "runs"
"""The default of `--runs`; it may not exist before the first run."""
MARKS = {"worse": "WORSE", "not judged": ""}
MOST = 1_000
WIDTH = 80


def configure(parser: argparse.ArgumentParser) -> None:
    """The sub-commands."""
    words = parser.add_subparsers(dest="sub", required=True, metavar="list|show|report|compare|trend")
    add_word(words, "list", "finished runs, oldest first", "xiu run list")
    for word, line in (("show", "verdict, reasons, figures"), ("report", "write report.html again, print where it is")):
        one = add_word(words, word, line, f"xiu run {word} last")
        one.add_argument("run", metavar="RUN", help="id, folder, run.json file, or `last`")
        if word == "show":
            one.add_argument("--markdown", action="store_true", help="for a job's summary: >> $GITHUB_STEP_SUMMARY")
    both = add_word(words, "compare", "is B worse than A beyond noise? 99 if so", "xiu run compare baseline.json last")
    one_or_three = "id, folder, run.json file, or `last`; three or more with a comma between, on both sides: a claim"
    both.add_argument("a", metavar="A", help=f"the earlier run: {one_or_three}")
    both.add_argument("b", metavar="B", help="the run to judge, given in the same way")
    both.add_argument(
        "--of", type=_count, default=0, metavar="N", help="take the noise also from the last N runs like A"
    )
    both.add_argument("--anyway", action="store_true", help="compare under different conditions too")
    of_plan = add_word(
        words, "trend", "the last runs of a plan, each beside the one before", "xiu run trend gala-share"
    )
    of_plan.add_argument("plan", metavar="PLAN", help="id of the plan")
    of_plan.add_argument("--last", type=_count, default=20, metavar="N", help="at most N runs (default: 20)")


def _count(text: str) -> int:
    """A number of runs."""
    count = whole_number(text, MOST)
    if not count:
        raise argparse.ArgumentTypeError(f"{shown(text)} is no number from 1 to {MOST:,}")
    return count


def run(args: argparse.Namespace) -> int:
    """Calls the sub-command."""
    return {"list": _list, "show": _show, "report": _report, "compare": _compare, "trend": _trend}[args.sub](args)


def _list(args: argparse.Namespace) -> int:
    folder = Path(args.runs)
    if not folder.is_dir() and args.runs != RUNS:
        raise BadInput(f"{folder} is not a folder", expected="where runs are kept, as `xiu demo --runs` made it")
    listing = all_runs(folder)
    runs = [
        {
            "id": found.record.run_id,
            "plan": found.record.plan,
            "started_at": found.record.started_at,
            "scale": found.record.scale.factor,
            "verdict": found.record.verdict,
            "folder": found.folder.name,
        }
        for found in listing.found
    ]
    if args.json:
        unfinished = [str(path) for path in listing.unfinished]
        emit({"runs": runs, "unreadable": listing.broken, "unfinished": unfinished})
        return 0
    head = ("run", "verdict", "scale", "started")
    rows = [[r["id"], r["verdict"], r["scale"], r["started_at"]] for r in runs]
    print(table(head, rows) if rows else f"no finished run in {folder}")
    for line in listing.broken:
        print(line)
    for path in listing.unfinished:
        print(f"{path}: did not finish, or still goes on: there is no run.json")
    return 0


def _found(run: str, args: argparse.Namespace) -> StoredRun:
    """The run that is meant. What may surprise about the choice goes to stderr."""
    found = find_run(run, Path(args.runs))
    for note in found.notes:
        print(f"xiu: {note}", file=sys.stderr)
    return found


def _show(args: argparse.Namespace) -> int:
    found = _found(args.run, args)
    refuse("--json", {"--markdown": args.markdown if args.json else None}, "it is data")
    if args.json:
        emit(found.record.model_dump(mode="json"))
        return 0
    if args.markdown:
        print("\n".join(markdown(found.record)))
        return 0
    print("\n".join(summary(found.record)))
    report = found.folder / REPORT_FILE
    if report.exists():
        print(f"\nreport: {report}")
    return 0


def tell(record: RunRecord, runs: Path, *, as_json: bool) -> None:
    """The output of a command that made a run: the JSON document, or a screen of text with the place of the report."""
    if as_json:
        emit(record.model_dump(mode="json"))
        return
    print("\n".join(summary(record)))
    report = runs / record.run_id / REPORT_FILE
    print(f"\nreport: {report}" if report.exists() else "\nno report: it could not be written")


def _counts(load: Load) -> list[str]:
    """What was scheduled and sent; where the generator left no account, that, and no zeros."""
    if not load.outcomes:
        return ["counts    not known: the generator left no whole account of what it sent"]
    return [
        f"scheduled {load.scheduled:,} = sent {load.sent:,} + dropped {load.dropped:,} + unsent {load.unsent:,}",
        "outcomes  " + ", ".join(f"{name} {number:,}" for name, number in load.outcomes.items()),
    ]


def summary(record: RunRecord) -> list[str]:
    """A run in a screen of plain text."""
    load, money, wins, own = record.load, record.money, record.wins, record.service is not None
    lines = [f"{record.verdict}  {record.plan}, {played(record).en}, " + (f"seed {record.seed}" if own else
             f"lane {record.lane}, seed {record.seed}")]  # fmt: skip
    lines += [] if own else [f"faults    {faults(record).en}"]
    lines += [f"  {reason.code}: {reason.text}" for reason in record.reasons]
    stop = record.guard.stop if record.guard is not None else None
    lines += [] if stop is None else [f"  after the stop: {stop.text}"]
    lines += [
        "",
        *_counts(load),
    ]
    lines += [] if own else [
        f"wins      seen {figure(wins.seen)}, logged {figure(wins.logged)}, posted {figure(wins.posted)}, "
        f"residue {figure(wins.residue)}",
        f"money     awarded {yuan(money.awarded_fen)}, credited {yuan(money.credited_fen)}, "
        f"residue {figure(money.residue_fen)} fen",
    ]  # fmt: skip
    lines.append("")
    rows = []
    for name in ("response", "service", "lag", "queued"):
        p = getattr(record.latency_ms, name)
        rows.append([name, *(figure(v) for v in (p.p50, p.p95, p.p99, p.p999, p.max))])
    lines += [table(("ms", "p50", "p95", "p99", "p99.9", "max"), rows, " rrrrr"), "", judged_table(record.forecast), ""]
    lines += [*_capacity(record), *_fronts(record), *_beside(record)]
    if own:
        return [*lines, *_closed_loop(record), *_of_requests(record)]
    held = [f.code for f in record.invariants if f.valid is True and f.counted > 0]
    rest = [f"{f.code} {f.valid}" for f in record.invariants if f.code not in held and f.valid is not None]
    unread = [f.code for f in record.invariants if f.valid is None]
    parts = [f"invariants hold: {', '.join(held) or 'none'}" + (f"; not so: {', '.join(rest)}" if rest else "")]
    parts += [f"not evaluated: {', '.join(unread)}"] if unread else []
    return lines + [line for each in parts for line in textwrap.wrap(each, WIDTH, subsequent_indent="  ")]


def _fronts(record: RunRecord) -> list[str]:
    """Each front's part of the taps; nothing of one front."""
    rows = []
    for one in record.fronts:
        p = one.response_ms
        cells = [f"{count:,}" for count in (one.users, one.sent, one.wins, one.unknown)]
        rows.append([f"front-{one.front}", *cells, *(figure(v) for v in (p.p50, p.p99, p.max))])
    head = ("of each front", "users", "taps", "wins", "unknown", "p50 ms", "p99", "max")
    return [table(head, rows, " rrrrrrr"), ""] if rows else []


def _closed_loop(record: RunRecord) -> list[str]:
    """The schedule and the closed loop beside it, one above the other; nothing where there was none."""
    one = record.closed_loop
    if one is None:
        return []
    rows = [
        [name, f"{sent:,}", *(figure(v) for v in (p.p50, p.p95, p.p99, p.max))]
        for name, sent, p in (("on its schedule", one.wanted, one.open_ms), ("closed loop", one.sent, one.response_ms))
    ]
    told = [] if one.factor is None else [f"the closed loop tells a p99 that is {one.factor:,.0f} times too small"]
    return [table(("response, ms", "requests", "p50", "p95", "p99", "max"), rows, " rrrrr"), *told, ""]


def _of_requests(record: RunRecord) -> list[str]:
    """Of several requests or tasks, each one's counts and response; nothing of one alone."""
    if len(record.traffic) < 2:
        return []
    rows = []
    for one in record.traffic:
        p = one.latency_ms.response
        good = one.outcomes.get("good", 0)
        cells = [f"{one.sent:,}", f"{one.sent - good:,}", *(figure(v) for v in (p.p50, p.p99, p.max))]
        rows.append([one.journey, *cells])
    return [table(("of each", "sent", "not good", "p50", "p99", "max"), rows, " rrrrr")]


def _capacity(record: RunRecord) -> list[str]:
    """What a climb says of capacity: each figure with its grade, then why; nothing of any other plan."""
    answer = record.capacity.answer if record.capacity is not None else None
    if answer is None:
        return []
    rows = climb.rows(answer)
    cells = [[row.name.en, row.value, row.between, row.grade.en] for row in rows]
    lines = [table(("capacity", "value", "between", "grade"), cells, " rr")]
    law = climb.law(answer)
    said = [f"{row.name.en}: {row.why.en}" for row in rows] + [f"top suspect: {answer.suspect.text}"]
    said += [law.en] if law is not None else []
    return [*lines, *(line for each in said for line in textwrap.wrap(each, WIDTH, subsequent_indent="  ")), ""]


def _beside(record: RunRecord) -> list[str]:
    """What was played beside the draw, and what did not come to be done; nothing where nothing was."""
    season = record.season
    if season is None:
        return []
    done = {one.operation: sum(one.outcomes.get(name, 0) for name in ("done", "again")) for one in season.operations}
    rest = [
        f"{one.operation} {name} {count:,}"
        for one in season.operations for name, count in one.outcomes.items() if name not in ("done", "again")
    ]  # fmt: skip
    told = "beside    " + (", ".join(f"{name} {count:,}" for name, count in done.items()) or "nothing was played")
    paid = f"{figure(season.blessings)} blessings of {yuan(season.each_fen)}" if season.state == "paid" else "no pot"
    told += f"; {paid}" + (f"; not done: {', '.join(rest)}" if rest else "")
    return [*textwrap.wrap(told, WIDTH, subsequent_indent="          "), ""]


def _report(args: argparse.Namespace) -> int:
    found = _found(args.run, args)
    if found.file.name != "run.json":
        raise BadInput(f"{found.file} is a lone record", expected="a run's folder, to write its report into")
    path = write_report(found)
    if args.json:
        emit({"run": found.record.run_id, "report": str(path)})
    else:
        print(path)
    return 0


def write_report(found: StoredRun) -> Path:
    """Renders `report.html` and `junit.xml` again, from the run's files alone."""
    path = found.folder / REPORT_FILE
    books, base = books_of(found.record, found.sponsors()), runbooks(found.folder, os.environ)
    write_text(path, render_html(found.record, found.timeline(), books, base))
    write_text(found.folder / "junit.xml", render_junit(found.record))
    return path


def _compared(args: argparse.Namespace) -> Comparison:
    groups = [[_found(one, args).record for one in text.split(",") if one] for text in (args.a, args.b)]
    if max(map(len, groups)) > 1:
        refuse("several runs", {"--of": args.of or None}, "their own spread is the noise")
        return compare_groups(*groups, anyway=args.anyway)
    a, b = _found(args.a, args).record, _found(args.b, args).record
    known = [found.record for found in all_runs(Path(args.runs)).found] if args.of else []
    return compare(a, b, alike(known, a, b, args.of), anyway=args.anyway)


def _compare(args: argparse.Namespace) -> int:
    comparison = _compared(args)
    if args.json:
        emit(comparison.model_dump(mode="json"))
        return comparison.exit_code
    print(f"A {comparison.a}  {comparison.verdicts[0]}\nB {comparison.b}  {comparison.verdicts[1]}\n")
    rows = [
        [d.what, d.unit, figure(d.a), figure(d.b), "–" if d.ratio is None else f"{d.ratio:.2f}",
         f"± {figure(d.noise)}" if d.state in ("same", "better", "worse") else "", MARKS.get(d.state, d.state)]
        for d in comparison.differences
        if d.a is not None or d.b is not None
    ]  # fmt: skip
    print(table(("figure", "unit", "A", "B", "B ÷ A", "noise", "B is"), rows, "  rrrr"))
    for note in comparison.notes:
        print(f"note: {note}")
    print(f"\n{_conclusion(comparison)}")
    return comparison.exit_code


def _conclusion(comparison: Comparison) -> str:
    if comparison.regressions:
        return f"FAIL: B is worse beyond noise: {', '.join(comparison.regressions)}"
    if comparison.missing:
        return f"UNKNOWN: B does not tell what A told: {', '.join(comparison.missing)}"
    return "PASS: B is not worse than A beyond noise"


def _trend(args: argparse.Namespace) -> int:
    known = [found.record for found in all_runs(Path(args.runs)).found]
    mine = [record for record in known if record.plan == args.plan]
    if not mine:
        raise BadInput(
            f"{args.plan}: no finished run of this plan in {args.runs}",
            expected="a plan that was run, as `xiu run list` shows them",
            did_you_mean=closest(args.plan, {record.plan for record in known}),
        )
    points = trend(mine)[-args.last :]
    if args.json:
        emit({"plan": args.plan, "runs": [point.model_dump(mode="json") for point in points]})
        return 0
    rows = [
        [point.started_at[:16].replace("T", " "), point.verdict, point.scale, point.commit[:7] or "–",
         figure(point.answered_rps), figure(point.response_p99_ms), figure(point.credit_delay_p99_s),
         figure(point.unknown), figure(point.residue_fen), _worse(point)]
        for point in points
    ]  # fmt: skip
    head = (
        "started",
        "verdict",
        "scale",
        "commit",
        "taps/s",
        "p99 ms",
        "credit s",
        "unknown",
        "fen off",
        "worse than before",
    )
    print(table(head, rows, "    rrrrr"))
    print(f"\ntaps/s  {bars([point.answered_rps for point in points])}")
    print(f"p99 ms  {bars([point.response_p99_ms for point in points])}  oldest first, the greatest is the highest")
    return 0


def _worse(point: Point) -> str:
    if point.worse is None:
        return "– (none before was measured alike)"
    return ", ".join(point.worse) or "no"
