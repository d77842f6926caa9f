"""Stress plans: list, check, show, new, upgrade, record, run, join, rate, log."""

from __future__ import annotations

import argparse
import os
import re
import sys
from functools import partial
from pathlib import Path

from harness.engine import shots
from harness.errors import Aborted, BadInput
from harness.forecast.share import Share
from harness.runs import plays
from harness.runs.order import RunOrder, order_of, short_form
from plans.models import LoadedPlan, PlanError, Problem, find, load_forecast, load_journey, load_plan
from plans.models.document import text_of
from plans.models.home import HOME
from plans.models.ids import beside, claimed
from plans.models.quantity import MOST, ratio
from plans.models.service import LoadedService, is_service, load_service
from plans.models.steps import Replay
from plans.models.stress import StressPlan
from plans.models.traffic import Journey
from system.contract.addresses import read_address
from system.contract.numbers import shown, whole_number
from xiu.cli import add_word
from xiu.commands import _doors, _library, _record, _service, _sound, _upgrade
from xiu.commands._text import about_lines, emit, purpose_lines, share_json, share_lines, table, targets_table
from xiu.commands._together import refuse

EXAMPLE = "xiu plan run plans/stress/gala-share.yaml"
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


def configure(parser: argparse.ArgumentParser) -> None:
    """The sub-commands."""
    words = parser.add_subparsers(
        dest="sub", required=True, metavar="list|check|show|new|upgrade|record|run|join|rate|log"
    )
    add_word(words, "list", "the stress plans there are", "xiu plan list --json")
    check = add_word(words, "check", "every problem of the files, with its line", "xiu plan check plans/stress/*.yaml")
    check.add_argument("files", nargs="+", metavar="FILE", help="plans or forecasts")
    show = add_word(words, "show", "what a plan will do, and the forecast for it", "xiu plan show gala-share")
    show.add_argument("file", metavar="FILE", help="plan, by file or id")
    show.add_argument("--scale", metavar="1/N", help="this share of the event")
    new = add_word(words, "new", "a plan of your own, copied from another", "xiu plan new lunch --from gala-share")
    new.add_argument("name", metavar="NAME", help="id and file name of the new plan")
    new.add_argument("--from", dest="source", required=True, metavar="PLAN", help="plan to copy, by file or id")
    up = add_word(words, "upgrade", "files of an older format, in their place", "xiu plan upgrade plans/stress/*.yaml")
    up.add_argument("files", nargs="+", metavar="FILE", help="plans; comments and order stay")
    _record.configure(add_word(words, "record", "a rate out of Prometheus, for a replay", _record.EXAMPLE))
    go = add_word(words, "run", "carry a plan out, judge it, write its report", EXAMPLE)
    go.add_argument("file", metavar="FILE", help="plan, by file or id; all: each plan there is, with --short")
    go.add_argument("--dry-run", action="store_true", help="show what would be done; start nothing")
    go.add_argument("--seed", type=int, metavar="N", help="seed of the schedule (default: the plan's)")
    go.add_argument("--scale", metavar="1/N", help="no calibration: exactly this share of the event")
    go.add_argument("--short", action="store_true", help="in short form: a fifth of the people, 15 s at most, as it is")
    go.add_argument("--yes", action="store_true", help="do not ask before load goes to a system elsewhere")
    go.add_argument("--stack", metavar="DIR", help="folder of the running stack to use")
    go.add_argument("--on", metavar="CONTROL_URL", help="a red-packet system that runs elsewhere; stress lane alone")
    go.add_argument("--approved-by", metavar="NAME", help="who agreed to the run; the allow-list may ask for a name")
    _doors.configure(go, add_word(words, "join", "be a worker of a run on another host", _doors.EXAMPLE))
    rate = add_word(words, "rate", "change the rate of the plan that runs now", "xiu plan rate 5000")
    add_word(words, "log", "who started, changed and stopped which load", "xiu plan log")
    rate.add_argument("taps_per_s", type=_rate, metavar="N", help="taps a second, of all workers together")


def _rate(text: str) -> int:
    value = whole_number(text.replace("_", ""), MOST)
    if value is None:
        raise argparse.ArgumentTypeError(f"{shown(text)} is not a rate; expected whole taps per second")
    return value


def run(args: argparse.Namespace) -> int:
    """Calls the sub-command."""
    does = {
        "list": _library.list_plans,
        "check": _check,
        "show": _show,
        "new": _new,
        "upgrade": _upgrade.upgrade,
        "record": _record.record,
        "run": _run,
        "rate": _set_rate,
        "join": _doors.join,
        "log": _log,
    }
    return does[args.sub](args)


def _problems_of(name: str) -> tuple[Problem, ...]:
    """Checks a stress plan or, if it says that it is one, a forecast."""
    try:
        path = find(name, "stress")
        if _is_forecast(path):
            load_forecast(path)
        elif is_service(path):
            load_service(path)
        elif claimed(path)[0] == "journey":
            for row in load_journey(path).rows:
                shots.find(row.shot)
        else:
            loaded = load_plan(path, shots.files())
            for journey in loaded.plan.beside:
                shots.find(journey.shot)
            plays.check(loaded)
    except PlanError as exc:
        return exc.problems
    except BadInput as exc:  # of a shot's file
        return (Problem(str(exc.file or name), exc.line or 1, exc.what, exc.expected or "", exc.did_you_mean or ""),)
    return ()


def _is_forecast(path: Path) -> bool:
    """Does the file say that it is one? False for a file that cannot be read: the next reader reports why."""
    return claimed(path)[0] == "forecast"


def _check(args: argparse.Namespace) -> int:
    results = [(name, _problems_of(name)) for name in args.files]
    problems = [problem for _, found in results for problem in found]
    if args.json:
        emit(
            {
                "files": [
                    {
                        "file": name,
                        "valid": not found,
                        "problems": [
                            {
                                "file": p.file,
                                "line": p.line,
                                "what": p.what,
                                "expected": p.expected,
                                "did_you_mean": p.did_you_mean,
                            }
                            for p in found
                        ],
                    }
                    for name, found in results
                ]
            }
        )
    for problem in problems:
        print(problem, file=sys.stderr)
    if not args.json:
        for name, found in results:
            if not found:
                print(f"{name}: good")
    return PlanError.exit_code if problems else 0


def _order(args: argparse.Namespace) -> RunOrder:
    loaded = load_plan(find(args.file, "stress"), shots.files())
    scale = None
    if args.scale is not None:
        try:
            scale = ratio(args.scale)
        except ValueError as exc:
            raise BadInput(f"--scale: {exc}") from exc
    duration_s = None
    if getattr(args, "short", False):
        refuse("--short", {"--scale": args.scale}, "the short form has a scale of its own")
        scale, duration_s = short_form(loaded)
    on = _elsewhere(getattr(args, "on", None))
    return order_of(
        loaded,
        Path(args.runs),
        getattr(args, "seed", None),
        lane="stress" if on else loaded.plan.lane,
        scale=scale,
        duration_s=duration_s,
        strict=args.strict,
        progress=args.progress,
        stack=Path(args.stack) if getattr(args, "stack", None) else None,
        on=on,
        approved_by=getattr(args, "approved_by", None),
        doors=_doors.doors_of(args),
    )


def _elsewhere(on: str | None) -> str | None:
    if on is not None:
        try:
            read_address("control", on)
        except ValueError as exc:
            raise BadInput(f"--on: {exc}") from None
    return on


def _tell(order: RunOrder, as_json: bool) -> None:
    """What the plan would do, and its forecast."""
    from harness.forecast.compute import compute
    from xiu.commands._curve import chart, climb_lines, length_lines, length_of, steps_table

    loaded, share = order.loaded, order.share()
    targets = compute(loaded.forecast, loaded.plan, share)
    segments = loaded.plan.segments(share.peak_rps, share.duration_s)
    lasts = length_of(loaded.plan, share, calibrates=order.scale is None)
    if as_json:
        emit(
            {
                "id": loaded.plan.id,
                "plan": loaded.plan.model_dump(mode="json"),
                "forecast": loaded.forecast.model_dump(mode="json"),
                "share": share_json(share),
                "segments": segments,
                "takes_s": lasts.as_json(),
                "targets": [target.model_dump(mode="json") for target in targets],
            }
        )
        return
    print(f"{loaded.plan.title.en}\n{loaded.plan.title.zh}\n")
    print("\n".join(about_lines(loaded.plan.about) + purpose_lines(loaded.plan.purpose) + share_lines(share)))
    probes = loaded.plan.probes
    print(f"probes     {probes.forged:,} forged, {probes.expired:,} expired, {probes.foreign:,} foreign tokens")
    print(f"lane       {order.lane}, seed {order.seed}\n")
    print(f"{chart('taps', segments)}\n")
    print("\n".join([*climb_lines(loaded.plan.climb, loaded.plan.stretch(share.duration_s)), steps_table(segments)]))
    for one in loaded.plan.beside:
        beside = loaded.plan.segments_of(one, share.peak_rps, float(share.scale), share.duration_s)
        print(f"\n{chart(one.name, beside, rows=4, span_s=lasts.load_s)}")
    if loaded.plan.beside:
        print(f"\n{_traffic_table(loaded.plan, share)}")
    print(f"\n{targets_table(targets)}")
    print("\n" + "\n".join(length_lines(lasts)))


def _traffic_table(plan: StressPlan, share: Share) -> str:
    rows = [
        [one.name, one.shot, f"{one.peak_rps(share.peak_rps, float(share.scale)):,.0f}/s", _objective(plan, one)]
        for one in (plan.taps, *plan.beside)
    ]
    return table(("journey", "shot", "at the peak", "p99 at most"), rows, "llrr")


def _objective(plan: StressPlan, one: Journey) -> str:
    objective = plan.objectives.response_p99 if one.name == plan.taps.name else one.response_p99
    return "–" if objective is None else f"{objective * 1000:,g} ms"


def _show(args: argparse.Namespace) -> int:
    if is_service(path := find(args.file, "stress")):
        return _service.show(args, path)
    _tell(_order(args), args.json)
    return 0


def _new(args: argparse.Namespace) -> int:
    name = args.name
    as_file = name.endswith((".yaml", ".yml"))
    ident = Path(name).stem if as_file else name
    if not NAME.fullmatch(ident):
        raise BadInput(f"{ident!r} is not a name", expected="lower-case letters, digits and dashes")
    here = Path("plans/stress")
    target = Path(name) if as_file else (here if here.is_dir() else HOME / "stress") / f"{name}.yaml"
    if target.exists():
        raise BadInput(f"{target} exists", expected="a new name")
    if not target.parent.is_dir():
        raise BadInput(f"{target.parent} is not a folder", expected="a folder that exists")
    source, folder = find(args.source, "stress"), target.parent.resolve()
    own = is_service(source)
    loaded = load_service(source) if own else load_plan(source, shots.files())
    text = text_of(loaded.plan_file)
    text = re.sub(r"^id:.*$", lambda _: f"id: {ident}", text, count=1, flags=re.MULTILINE)
    if isinstance(loaded, LoadedService):
        text = _service.files_moved(text, loaded, folder)
    else:
        forecast = os.path.relpath(loaded.forecast_file, folder)
        text = re.sub(r"^forecast:.*$", lambda _: f"forecast: {forecast}", text, count=1, flags=re.MULTILINE)
        text = _recordings_moved(text, loaded, folder)
        text = _journeys_moved(text, loaded, folder)
    schema = os.path.relpath(HOME / "schemas" / f"{'service' if own else 'plan'}.schema.json", folder)
    text = re.sub(r"^(# yaml-language-server: \$schema=).*$", lambda found: found[1] + schema, text, flags=re.MULTILINE)
    _write_checked(target, text, ident)
    if args.json:
        emit({"id": ident, "file": str(target), "from": loaded.plan.id})
    else:
        print(f"{target}: a copy of {loaded.plan.id}; edit it, then: xiu plan check {target}")
    return 0


def _recordings_moved(text: str, loaded: LoadedPlan, folder: Path) -> str:
    """The text with the recordings that the plan names, as they are named from `folder`."""
    steps = [*loaded.plan.steps, *(step for one in loaded.plan.traffic for step in one.steps or ())]
    for name in {step.recording.file for step in steps if isinstance(step, Replay)}:
        new = os.path.relpath(beside(loaded.plan_file.resolve(), name), folder)
        named = re.compile(rf"(\brecording:\s*['\"]?){re.escape(name)}(?=['\"\s,}}])")
        text = named.sub(partial(_renamed, new), text)
    return text


def _journeys_moved(text: str, loaded: LoadedPlan, folder: Path) -> str:
    """The text with the journey files that the plan names, as they are named from `folder`."""
    for name in loaded.plan.journeys:
        new = os.path.relpath(beside(loaded.plan_file.resolve(), name), folder)
        text = re.sub(rf"(?<=[\s\[,'\"]){re.escape(name)}(?=['\"\s,\]])", new.replace("\\", r"\\"), text)
    return text


def _renamed(new: str, found: re.Match[str]) -> str:
    return found[1] + new


def _write_checked(target: Path, text: str, ident: str) -> None:
    """Writes a good plan, or no file: what cannot be written whole or read back is removed."""
    try:
        with target.open("x", encoding="utf-8") as out:
            try:
                out.write(text)
                out.flush()
                again = load_service(target) if is_service(target) else load_plan(target, shots.files())
                if again.plan.id != ident:
                    raise BadInput(f"{target}: the plan copied has no line `id: …` of its own", expected="one to copy")
            except BaseException:
                target.unlink()
                raise
    except OSError as exc:
        raise BadInput(f"{target} cannot be written: {exc.strerror or exc}", expected="a place for a new file") from exc


def _run(args: argparse.Namespace) -> int:
    if args.file == _library.ALL:
        return _library.run_all(args, _order)
    if is_service(path := find(args.file, "stress")):
        return _service.run(args, path)
    order = _order(args)
    if args.dry_run:
        _tell(order, args.json)
        return 0
    if order.on and not args.yes:
        _ask(order)
    # What plays it, and what tells of it, is read by who plays alone.
    from harness.orchestrate.run import run_plan
    from xiu.commands.run import tell

    _sound.look()
    record = run_plan(order)
    tell(record, order.runs, as_json=args.json)
    return int(record.exit_code)


def _ask(order: RunOrder) -> None:
    """Load on a system elsewhere needs a yes, from a person or by `--yes`."""
    share = order.share()
    what = f"{share.peak_rps:,.0f} taps/s for {share.duration_s:g} s go to {order.on}"
    if not sys.stdin.isatty():
        raise BadInput(f"{what}, and nobody can be asked", expected="--yes")
    print(f"{what}. Go? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise Aborted("not started")


def _set_rate(args: argparse.Namespace) -> int:
    from harness.orchestrate.rate import set_rate

    text = set_rate(args.taps_per_s, Path(args.runs))
    if args.json:
        emit({"taps_per_s": args.taps_per_s, "says": text})
    else:
        print(text)
    return 0


def _log(args: argparse.Namespace) -> int:
    from xiu.commands._log import show

    return show(Path(args.runs), as_json=args.json)


def loaded_of(name: str) -> LoadedPlan:
    """The plan that a sub-command of `xiu forecast` means: a plan, or the first plan made for that forecast."""
    try:
        path = find(name, "stress")
    except PlanError:
        path = find(name, "forecasts")
    if not _is_forecast(path):
        return load_plan(path, shots.files())
    load_forecast(path)
    for file in [*sorted(path.parent.parent.glob("stress/*.yaml")), *sorted(path.parent.glob("*.yaml"))]:
        try:
            loaded = load_plan(file, shots.files())
        except PlanError:
            continue
        if loaded.forecast_file == path.resolve():
            return loaded
    raise BadInput(f"{path}: no stress plan is made for this forecast", expected="a plan whose `forecast` is this file")
