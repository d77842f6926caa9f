"""`xiu plan record`: a rate that a Prometheus has recorded, as the CSV file that a step `replay` plays."""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import BadInput, EnvironmentNotReady
from plans.models.quantity import duration_s
from plans.models.recording import seconds_of, text_of_rows
from xiu.commands._text import emit, figure

if TYPE_CHECKING:
    from harness.watch.recorded import RecordedRate

EXAMPLE = "xiu plan record monday.csv --last 1h --query 'sum(rate(hongbao_requests_total[5s]))'"


def configure(parser: argparse.ArgumentParser) -> None:
    """What is asked, of whom, and over which time."""
    parser.add_argument("file", type=Path, metavar="FILE", help="new CSV file for a step {kind: replay}")
    parser.add_argument("--query", required=True, metavar="PROMQL", help="one series: events per second")
    parser.add_argument("--from", dest="since", metavar="TIME", help="2016-02-07T20:00:00+08:00, or Unix seconds")
    parser.add_argument("--to", dest="until", metavar="TIME", help="end of the range (default: now)")
    parser.add_argument("--last", metavar="1h", help="instead of --from: so long before the end")
    parser.add_argument("--step", metavar="5s", help="whole seconds between rows (default: as few as it takes)")
    parser.add_argument("--prometheus", metavar="URL", help="this Prometheus instead of the running stack's")
    parser.add_argument("--stack", type=Path, metavar="DIR", help="which stack, where several run")
    parser.add_argument("--var", type=Path, default=Path("var"), metavar="DIR", help="where stacks are kept")


def record(args: argparse.Namespace) -> int:
    """Asks the Prometheus that is meant, and writes the file: whole, or not at all. Raises BadInput,
    EnvironmentNotReady.
    """
    from harness.watch.prom import PromError, Prometheus
    from harness.watch.recorded import recorded_rate
    from xiu.commands._prometheus import prometheus_url  # with stacks and HTTP, which no other word needs

    start_s, end_s = _range(args, time.time())
    step_s = _step(args.step)
    if args.file.exists():
        raise BadInput(f"{args.file} exists", expected="a new name")
    with prometheus_url(args) as url, Prometheus(url) as prometheus:
        try:
            found = recorded_rate(prometheus, args.query, start_s, end_s, step_s)
        except PromError as exc:
            if exc.away:
                raise EnvironmentNotReady(str(exc)) from exc
            raise BadInput(f"--query {exc}") from exc
    try:
        text = text_of_rows(found.rows)
    except ValueError as exc:
        raise BadInput(f"--query {args.query}: {exc}") from exc
    _write(args.file, text)
    _tell(args, found)
    return 0


def _tell(args: argparse.Namespace, found: RecordedRate) -> None:
    if args.json:
        emit(
            {
                "file": str(args.file),
                "rows": len(found.rows),
                "left_out": found.left_out,
                "length_s": found.length_s,
                "step_s": found.step_s,
                "highest_per_s": found.top,
            }
        )
        return
    print(f"{args.file}: {len(found.rows):,} rows over {found.length_s:g} s, the highest {figure(found.top)}/s")
    if found.left_out:
        many = "1 point" if found.left_out == 1 else f"{found.left_out:,} points"
        print(f"{many} without a value: the rate goes in a straight line there, and the ends are cut off")
    print(f"in a plan: {{kind: replay, recording: {args.file.name}}}")


def _range(args: argparse.Namespace, now_s: float) -> tuple[float, float]:
    """Start and end in Unix time."""
    if (args.since is None) == (args.last is None):
        raise BadInput("a range without its start", expected="one of --from and --last")
    end_s = now_s if args.until is None else _moment("--to", args.until)
    if args.since is not None:
        return _moment("--from", args.since), end_s
    try:
        length_s = duration_s(args.last)
    except ValueError as exc:
        raise BadInput(f"--last: {exc}") from exc
    return end_s - length_s, end_s


def _moment(option: str, text: str) -> float:
    value = seconds_of(text)
    if value is None:
        raise BadInput(f"{option}: {text!r:.40} is no time", expected="2016-02-07T20:00:00+08:00, or Unix seconds")
    return value


def _step(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        value = duration_s(text)
    except ValueError as exc:
        raise BadInput(f"--step: {exc}") from exc
    if value < 1 or value != int(value):
        raise BadInput(f"--step: {text}", expected="whole seconds, 1s or more")
    return int(value)


def _write(path: Path, text: str) -> None:
    draft = path.with_name(f".{path.name}.new")
    try:
        try:
            draft.write_text(text, encoding="utf-8")
            os.link(draft, path)  # unlike a rename it replaces nothing
        finally:
            draft.unlink(missing_ok=True)
    except OSError as exc:
        raise BadInput(f"{path} cannot be written: {exc.strerror or exc}", expected="a place for a new file") from exc
