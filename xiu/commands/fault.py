"""Faults: list, show, check."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from chaos.library import fault, fault_problems, load_faults, survey_faults
from harness.errors import BadInput, closest
from plans.models import PlanError, Problem
from plans.models.document import read_model
from plans.models.fault import Fault, ProbeSpec
from xiu.cli import add_word
from xiu.commands import _folders
from xiu.commands._text import emit, problem_rows, refused, table

EXAMPLE = "xiu fault show N15"


def configure(parser: argparse.ArgumentParser) -> None:
    """The sub-commands."""
    words = parser.add_subparsers(dest="sub", required=True, metavar="list|show|check")
    listed = add_word(words, "list", "the faults there are", "xiu fault list --json")
    show = add_word(words, "show", "what a fault does, how it is seen, how it is healed", EXAMPLE)
    show.add_argument("id", metavar="ID", help="as `xiu fault list` shows it")
    check = add_word(words, "check", "every problem of the files, with its line", "xiu fault check my.yaml")
    for each in (listed, show, check):
        _folders.add(each, "faults")
    check.add_argument("files", nargs="+", type=Path, metavar="FILE", help="fault files")


def run(args: argparse.Namespace) -> int:
    """Calls the sub-command."""
    if args.sub == "check":
        return _check(args.files, _folders.given(args, "faults"), as_json=args.json)
    if args.sub == "list":
        return _list(_folders.given(args, "faults"), as_json=args.json)
    faults = load_faults(more=_folders.given(args, "faults"))
    if args.id not in faults:
        hint = closest(args.id.upper(), faults)
        raise BadInput(f"no fault {args.id}", expected="one of " + ", ".join(faults), did_you_mean=hint)
    return _show(faults[args.id], as_json=args.json)


def _check(files: list[Path], more: list[Path], *, as_json: bool) -> int:
    try:
        problems = fault_problems(files, more)
    except PlanError as exc:
        problems = [*exc.problems, *(each for each in fault_problems(files) if each not in exc.problems)]
    broken = {problem.file for problem in problems}
    problems += [each for file in files if str(file) not in broken for each in _strange(file)]
    bad = {problem.file for problem in problems}
    good = [str(file) for file in files if str(file) not in bad]
    if as_json:
        emit({"files": [{"file": name, "valid": True} for name in good], "problems": problem_rows(problems)})
    for problem in problems:
        print(problem, file=sys.stderr)
    if not as_json:
        for name in good:
            print(f"{name}: good")
    return PlanError.exit_code if problems else 0


def _strange(file: Path) -> Iterator[Problem]:
    """Queries of a good file's probes that no Prometheus can read, or of a metric that no process exposes."""
    from dashboards.grafana import lint  # the SDK of its boards takes half a second to import

    one, document = read_model(file, fault())
    for key in ("steady_probe", "effect_probe", "heal_probe"):
        query = getattr(getattr(one, key), "query", None)
        for what in lint.strange(query) if isinstance(query, str) else ():
            line = document.line((key, "query"))
            yield Problem(str(file), line, f"`{key}.query`: {what}", "a metric of the code or of a recording rule")


def _list(more: list[Path], *, as_json: bool) -> int:
    faults, broken = survey_faults(more)
    problems = [problem for found in broken.values() for problem in found]
    if as_json:
        rows: list[dict[str, Any]] = [
            {"id": f.id, "valid": True, "title": f.title.model_dump(), "targets": f.targets, "aims": f.aims}
            for f in faults.values()
        ]
        rows += [
            {"id": file.stem, "valid": False, "file": str(file), "problems": [str(each) for each in found]}
            for file, found in broken.items()
        ]
        emit({"faults": rows})
        return refused(problems)
    cells = [[f.id, f.title.en, ", ".join(f.targets), " ".join(f.aims)] for f in faults.values()]
    print(table(("fault", "what happens", "on", "aimed at"), cells))
    return refused(problems)


def _show(fault: Fault, *, as_json: bool) -> int:
    if as_json:
        emit(fault.model_dump(mode="json"))
        return 0
    print(f"{fault.id}  {fault.title.en}\n{fault.title.zh}\n\n{' '.join(fault.about.split())}\n")
    print(f"targets    {', '.join(fault.targets)}\naimed at   {' '.join(fault.aims)}")
    print(f"inject     {fault.inject.in_words}")
    if fault.steady_probe is not None:
        print(f"steady     {_probe(fault.steady_probe)}, before anything is injected; else UNKNOWN")
    print(f"effect     {_probe(fault.effect_probe)}, within {fault.effect_probe.within:g} s; else FAULT_NOT_EFFECTIVE")
    print(f"heal       {fault.heal.kind}, then the ladder of docs/faults.md")
    print(f"healed     {_probe(fault.heal_probe)}, within {fault.heal_probe.within:g} s")
    print(f"expires    after {fault.expires:g} s a watchdog heals it, whatever happens")
    return 0


def _probe(probe: ProbeSpec) -> str:
    """The fault's kind, and the file's own description."""
    fields = probe.model_dump(exclude={"kind", "within"}, exclude_unset=True)
    more = [key if value is True else f"{key} {_plain(value)}" for key, value in fields.items() if value is not False]
    return ", ".join([probe.kind, *more])


def _plain(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, tuple | list) else str(value)
