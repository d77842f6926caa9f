"""Fault drills under load: list, check, run."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from chaos.drill import DrillOrder, DrillResult
from chaos.drill_verdict import worst
from chaos.library import load_faults
from chaos.repeat import repeated
from harness.errors import Aborted, BadInput
from harness.guard.room import writable
from harness.verdict import exit_code
from plans.models import LoadedDrill, PlanError, Problem, drill_files, find_drill, load_drill
from plans.models.document import text_of
from plans.models.fault import Fault
from xiu.cli import add_word
from xiu.commands import _folders, _sound
from xiu.commands._text import emit, problem_rows, refused, table
from xiu.commands._together import refuse
from xiu.commands._trials import run_trials_of

EXAMPLE = "xiu drill run credit-cut"


def configure(parser: argparse.ArgumentParser) -> None:
    """The sub-commands."""
    words = parser.add_subparsers(dest="sub", required=True, metavar="list|check|run")
    listed = add_word(words, "list", "the drills there are", "xiu drill list --json")
    check = add_word(words, "check", "every problem of the files, with its line", "xiu drill check plans/drills/*.yaml")
    check.add_argument("files", nargs="+", metavar="FILE", help="drills, by file or id")
    go = add_word(words, "run", "carry drills out, one verdict each", EXAMPLE)
    go.add_argument("files", nargs="+", metavar="FILE-OR-ID|all", help="drills, by file or id")
    go.add_argument("--arms", metavar="AB", help="A: without the fault, B: with it (default: AB)")
    go.add_argument("--seed", type=int, metavar="N", help="seed of the schedule (default: the plan's)")
    go.add_argument("--count", type=int, metavar="N", help="repeat arm B N times; kill9: N kills")
    go.add_argument("--resume", type=Path, metavar="FILE", help="kill9: go on with the trials in this file")
    go.add_argument("--short", action="store_true", help="half as long, alerts not judged; kill9: half as many")
    go.add_argument("--dry-run", action="store_true", help="the probes run, the faults do not")
    go.add_argument("--stack", type=Path, metavar="DIR", help="folder of the running stack to use")
    for each in (listed, check, go):
        _folders.add(each, "faults", "drills")
    for each in (check, go):
        # No arm of today starts a playbook; a file that cannot be used is told before anything starts all the same.
        _folders.add(each, "playbooks")


def run(args: argparse.Namespace) -> int:
    """Calls the sub-command."""
    return {"list": _list, "check": _check, "run": _run}[args.sub](args)


def _list(args: argparse.Namespace) -> int:
    rows: list[dict[str, Any]] = []
    problems: list[Problem] = []
    faults: dict[str, Fault] | None = None
    try:
        faults = load_faults(more=_folders.given(args, "faults"))
    except PlanError as exc:
        problems += exc.problems
    for file in drill_files(more=_folders.given(args, "drills")):
        try:
            drill = load_drill(file, faults).drill
        except PlanError as exc:
            problems += exc.problems
            rows.append(
                {"id": file.stem, "file": str(file), "valid": False, "problems": [str(p) for p in exc.problems]}
            )
            continue
        what = (
            ", ".join(f"{when.id} on {when.target}" for when in drill.whens) or f"{drill.trials and drill.trials.kind}"
        )
        rows.append({"id": drill.id, "file": str(file), "valid": True, "title": drill.title.model_dump(), "does": what,
                     "about": drill.about})  # fmt: skip
    if args.json:
        emit({"drills": rows})
        return refused(problems)
    cells = [
        [r["id"], r["does"], r["title"]["en"]] if r["valid"] else [r["id"], "", f"{len(r['problems'])} problems: check"]
        for r in rows
    ]
    print(table(("drill", "does", "what it shows"), cells))
    return refused(problems)


def _check(args: argparse.Namespace) -> int:
    problems: list[Problem] = []
    good: list[str] = []
    ids: dict[str, str] = {}
    faults: dict[str, Fault] | None
    try:
        _folders.playbooks(args)
    except PlanError as exc:
        problems = list(exc.problems)
    try:
        faults = load_faults(more=_folders.given(args, "faults"))
    except PlanError as exc:
        problems, faults = [*problems, *exc.problems], None
    for name in args.files:
        try:
            loaded = load_drill(find_drill(name, more=_folders.given(args, "drills")), faults)
        except PlanError as exc:
            problems += exc.problems
            continue
        drill_id = loaded.drill.id
        if drill_id in ids and Path(ids[drill_id]).resolve() != loaded.file.resolve():
            line = _line_of_id(loaded.file)
            problems.append(
                Problem(name, line, f"`id`: {drill_id} stands in {ids[drill_id]} too", "each id in one file")
            )
            continue
        ids[drill_id] = name
        good.append(name)
    if args.json:
        emit({"files": [{"file": name, "valid": True} for name in good], "problems": problem_rows(problems)})
    for problem in problems:
        print(problem, file=sys.stderr)
    if not args.json:
        for name in good:
            print(f"{name}: good")
    return PlanError.exit_code if problems else 0


def _line_of_id(file: Path) -> int:
    lines = text_of(file).splitlines()
    return next((k for k, line in enumerate(lines, 1) if line.startswith("id:")), 1)


def _run(args: argparse.Namespace) -> int:
    arms = tuple("AB" if args.arms is None else args.arms.upper())
    if not arms or set(arms) - {"A", "B"}:
        raise BadInput(
            f"--arms {args.arms}", expected="A, B or AB; a drill plays no playbook, so there is no other arm"
        )
    if args.count is not None and args.count < 1:
        raise BadInput(f"--count {args.count}", expected="1 or more")
    if args.seed is not None and not 0 <= args.seed < 1 << 63:
        raise BadInput(f"--seed {args.seed}", expected="0 to 2^63 - 1")
    writable(Path(args.runs))
    _folders.playbooks(args)
    _sound.look()
    faults, more = load_faults(more=_folders.given(args, "faults")), _folders.given(args, "drills")
    everyone = args.files == ["all"]
    files = drill_files(more=more) if everyone else [find_drill(name, more=more) for name in args.files]
    loaded = [load_drill(file, faults) for file in files]
    if args.resume is not None and (other := [one.drill.id for one in loaded if one.drill.trials is None]):
        raise BadInput(f"--resume with {other[0]}", expected="kill trials (kill9) alone")
    _together(loaded, args, everyone=everyone)
    results: list[DrillResult] = []
    for result in _carried_out(loaded, arms, args):
        results.append(result)
        if not args.json:
            print("\n".join(result_lines(result)), flush=True)
        if result.verdict == "ABORTED":
            break
    if args.json:
        emit({"drills": [result.to_json() for result in results]})
    if results[-1].verdict == "ABORTED":
        raise Aborted(f"drill {results[-1].id}: interrupted")
    verdict = worst([result.verdict for result in results])
    if not args.json and len(results) > 1:
        print(f"\n{verdict}  {len(results)} drills")
    return exit_code(verdict, strict=args.strict)


def _together(loaded: list[LoadedDrill], args: argparse.Namespace, *, everyone: bool) -> None:
    """Raises BadInput for options that would have no effect. With `all`, each drill reads its own options."""
    if args.dry_run:
        refuse("--dry-run", {"--resume": args.resume}, "nothing is killed, so no file of kills goes on")
    trials = [one.drill.id for one in loaded if one.drill.trials is not None]
    if trials and not everyone:
        refuse(trials[0], {"--arms": args.arms}, "kill trials have no arms")


def _carried_out(loaded: list[LoadedDrill], arms: tuple[str, ...], args: argparse.Namespace) -> Iterator[DrillResult]:
    for one in loaded:
        if one.drill.trials is not None:
            yield run_trials_of(one, args)
            continue
        yield from repeated(_order(one, arms, args), args.count or 1)


def _order(loaded: LoadedDrill, arms: tuple[str, ...], args: argparse.Namespace) -> DrillOrder:
    return DrillOrder(
        loaded, Path(args.runs), seed=args.seed, arms=arms, short=args.short, dry_run=args.dry_run, stack=args.stack,
        strict=args.strict, progress=args.progress,
    )  # fmt: skip


def result_lines(result: DrillResult) -> list[str]:
    """A drill in a few lines."""
    on = ", ".join(result.each) or f"{result.fault} on {result.target}"
    lines = [f"{result.verdict}  drill {result.id}: {on}"]
    lines += [f"  {reason.code}: {reason.text}" for reason in result.reasons]
    lines += [f"  {note}" for note in result.notes]
    lines += [f"  arm {letter}: {arm['verdict']:<8} run {arm['run']}" for letter, arm in result.arms.items()]
    lines += [f"  the fault may: {reason.text}" for reason in result.allowed]
    for name, facts in result.each.items():
        if facts.injected_s is None:
            continue
        steps = (
            ("injected", facts.injected_s), ("effect seen", facts.effect_s), ("alert", facts.alert_s),
            ("heal began", facts.heal_began_s), ("healed", facts.healed_s), ("heal seen", facts.heal_seen_s),
            ("drained", facts.drained_s),
        )  # fmt: skip
        head = f"  {name}: " if len(result.each) > 1 else "  "
        lines.append(head + " · ".join(f"{step} {at:.1f} s" for step, at in steps if at is not None))
        lines += [f"  {line}" for line in facts.rungs]
    return lines
