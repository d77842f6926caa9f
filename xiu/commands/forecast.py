"""Forecasts: show, lock, judge."""

from __future__ import annotations

import argparse
import textwrap
from pathlib import Path

from harness.errors import BadInput
from harness.forecast import Share, judge, lock, read_lock, share_of, write_lock
from harness.forecast.season import season_targets
from harness.runs.folder import find_run
from harness.verdict import Evidence, decide
from plans.models import LoadedPlan
from plans.models.forecast import Range
from plans.models.partial import PlanModel
from plans.models.quantity import ratio
from xiu.cli import add_word
from xiu.commands._text import (
    about_lines,
    emit,
    figure,
    judged_table,
    share_json,
    share_lines,
    table,
    targets_table,
)
from xiu.commands.plan import loaded_of

EXAMPLE = "xiu forecast show gala-share"


def configure(parser: argparse.ArgumentParser) -> None:
    """The sub-commands."""
    words = parser.add_subparsers(dest="sub", required=True, metavar="show|lock|judge")
    show = add_word(words, "show", "inputs with their sources, and the bands that follow", EXAMPLE)
    seal = add_word(words, "lock", "write forecast.lock.json with its hash", "xiu forecast lock gala-share --out .")
    for word in (show, seal):
        word.add_argument("file", metavar="FILE", help="a forecast or a stress plan, by file or id")
        word.add_argument("--scale", metavar="1/N", help="this share of the event")
        word.add_argument("--full", action="store_true", help="the event's whole round, not the short one")
    seal.add_argument("--out", default=".", metavar="DIR", help="folder for the lock (default: the current one)")
    again = add_word(words, "judge", "a finished run against its locked forecast", "xiu forecast judge last")
    again.add_argument("run", metavar="RUN", help="id, folder, run.json file, or `last`")


def run(args: argparse.Namespace) -> int:
    """Calls the sub-command."""
    return {"show": _show, "lock": _lock, "judge": _judge}[args.sub](args)


def _share(args: argparse.Namespace, loaded: LoadedPlan) -> Share:
    try:
        scale = loaded.forecast.scale if args.scale is None else ratio(args.scale)
    except ValueError as exc:
        raise BadInput(f"--scale: {exc}") from exc
    return share_of(loaded.forecast, loaded.plan, scale, loaded.forecast.round.full if args.full else None)


def _show(args: argparse.Namespace) -> int:
    loaded = loaded_of(args.file)
    share = _share(args, loaded)
    from harness.forecast.compute import compute

    targets = compute(loaded.forecast, loaded.plan, share)
    beside = season_targets(loaded.forecast, share)
    if args.json:
        emit(
            {
                "id": loaded.forecast.id,
                "forecast": loaded.forecast.model_dump(mode="json"),
                "share": share_json(share),
                "targets": [target.model_dump(mode="json") for target in targets],
                "season": [target.model_dump(mode="json") for target in beside],
            }
        )
        return 0
    print(f"{loaded.forecast.title.en}\n{loaded.forecast.title.zh}\n")
    print("\n".join(about_lines(loaded.forecast.about) + share_lines(share)))
    for what, source in (("scale", loaded.forecast.scale_source), ("round", loaded.forecast.round.source)):
        print(*textwrap.wrap(f"{what} from {source}", 78, subsequent_indent=" " * 11), sep="\n")
    print("\n" + table(("input (full event)", "low", "mid", "high"), _ranges(loaded.forecast.inputs), " rrr"))
    print("\n" + targets_table(targets))
    if loaded.forecast.season is not None:
        print("\nbeside the draw, where the season is played too (xiu demo)")
        print(table(("input (full event)", "low", "mid", "high"), _ranges(loaded.forecast.season), " rrr"))
        print("\n" + targets_table(beside))
    print("\nsources: the file itself; reasoning: docs/forecast.md")
    return 0


def _ranges(inputs: PlanModel) -> list[list[str]]:
    """The figures of a part of the forecast that are ranges."""
    values = ((name, getattr(inputs, name)) for name in type(inputs).model_fields)
    return [[name, *(figure(bound) for bound in value.bounds())] for name, value in values if isinstance(value, Range)]


def _lock(args: argparse.Namespace) -> int:
    loaded = loaded_of(args.file)
    folder = Path(args.out)
    if not folder.is_dir():
        raise BadInput(f"--out {folder} is not a folder", expected="a folder that exists")
    sealed = lock(loaded, _share(args, loaded))
    path = write_lock(sealed, folder)
    if args.json:
        emit({"file": str(path), "sha256": sealed.sha256})
    else:
        print(f"{path}: sha256 {sealed.sha256}")
    return 0


def _judge(args: argparse.Namespace) -> int:
    found = find_run(args.run, Path(args.runs))
    record = found.record
    sealed = read_lock(found.folder, record.forecast_sha256)
    locked = {target.indicator for target in sealed.targets}
    rows = judge(
        sealed,
        {row.indicator: row.actual for row in record.forecast if row.indicator in locked},
        [row.indicator for row in record.forecast if row.state == "NOT_EVALUATED"],
    )
    # A run whose measurement was the limit, or that was stopped, cannot judge the forecast either.
    why = [reason for reason in record.reasons if record.verdict in ("INVALID", "ABORTED")][:1]
    evidence = Evidence(
        indicators=rows,
        aborted=why[0] if why and record.verdict == "ABORTED" else None,
        invalid=why if record.verdict == "INVALID" else (),
    )
    decision = decide(evidence, strict=args.strict)
    if args.json:
        emit(
            {
                "run": record.run_id,
                "sha256": sealed.sha256,
                "verdict": decision.verdict,
                "exit_code": decision.exit_code,
                "reasons": [reason.model_dump() for reason in decision.reasons],
                "indicators": [row.model_dump(mode="json") for row in rows],
            }
        )
    else:
        print(judged_table(rows))
        print(f"\nforecast alone: {decision.verdict} (the run's own verdict, with everything: {record.verdict})")
        for reason in decision.reasons:
            print(f"  {reason.text}")
    return decision.exit_code
