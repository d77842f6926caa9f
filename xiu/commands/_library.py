"""The library of stress plans: what each is for, and all of them in short form, one after the other."""

from __future__ import annotations

import argparse
import copy
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness.engine import shots
from harness.errors import Aborted, BadInput
from harness.runs.order import RunOrder
from plans.models import PlanError, Problem, load_plan, stress_files
from plans.models.service import is_service, load_service
from xiu.commands import _service
from xiu.commands._text import emit, refused, table, wrapped
from xiu.commands._together import refuse
from xiu.error_report import error_report

ALL = "all"
WIDTH = 78


def list_plans(args: argparse.Namespace) -> int:
    """Every plan with its title and its purpose."""
    plans: list[dict[str, Any]] = []
    problems: list[Problem] = []
    for file in stress_files():
        try:
            if is_service(file):
                own = load_service(file)
                plans.append({"id": own.plan.id, "file": _near(file), "valid": True, **_service.listed(own)})
                continue
            loaded = load_plan(file, shots.files())
        except PlanError as exc:
            problems += exc.problems
            plans.append(
                {"id": file.stem, "file": _near(file), "valid": False, "problems": [str(p) for p in exc.problems]}
            )
            continue
        plan = loaded.plan
        plans.append(
            {
                "id": plan.id,
                "file": _near(file),
                "valid": True,
                "title": plan.title.model_dump(),
                "purpose": plan.purpose.model_dump() if plan.purpose else None,
                "forecast": loaded.forecast.id,
                "lane": plan.lane,
            }
        )
    if args.json:
        emit({"plans": plans})
        return refused(problems)
    rows = [
        [p["id"], p["title"]["en"] if p["valid"] else f"{len(p['problems'])} problems: xiu plan check"] for p in plans
    ]
    print(table(("plan", "what it is"), rows))
    for one in plans:
        if purpose := one.get("purpose"):
            print(f"\n{one['id']}")
            for head, key in (("use it", "when"), ("cannot tell", "cannot_tell"), ("looks for", "looks_for")):
                print("\n".join(wrapped(f"  {head:13}", purpose[key])))
    return refused(problems)


def run_all(args: argparse.Namespace, order_of: Callable[[argparse.Namespace], RunOrder]) -> int:
    """Each plan in short form, its row told when it has ended; the highest exit code. A plan that cannot be played
    keeps none of the others back; one that a person stopped does. One for a service that only its user can start is
    left out.
    """
    if not args.short:
        raise BadInput("run all", expected="--short: every plan whole takes hours")
    refuse("run all", {"--dry-run": args.dry_run, "--on": args.on, "--seed": args.seed}, "each plan has its own")
    refuse("run all", {"--workers-at": args.workers_at, "--locust-page": args.locust_page}, "they are of one run")
    rows: list[list[str]] = []
    worst = 0
    for file in stress_files():
        found = _played(file, args, order_of)
        if found is None:
            continue
        row, code = found
        rows.append(row)
        worst = max(worst, code)
        print("  ".join(filter(None, row)), file=sys.stderr, flush=True)
        if code == Aborted.exit_code:
            print("xiu: stopped: the plans that follow were not played", file=sys.stderr)
            worst = code
            break
    if args.json:
        emit({"runs": [dict(zip(("plan", "verdict", "run", "why"), row, strict=True)) for row in rows]})
    else:
        print(table(("plan", "verdict", "run", "why"), rows))
    return worst


def _played(
    file: Path, args: argparse.Namespace, order_of: Callable[[argparse.Namespace], RunOrder]
) -> tuple[list[str], int] | None:
    """The plan's row and exit code, whatever came of it; None: it is left out."""
    from harness.orchestrate.run import run_plan

    one = copy.copy(args)
    one.file = str(file)
    try:
        if is_service(file):
            if not _service.brings_its_own(own := load_service(file)):
                return None
            record = _service.played(args, own)
        else:
            record = run_plan(order_of(one))
    except Exception as exc:
        text, code = error_report(exc, sys.argv[1:])
        return [file.stem, "–", "", text.splitlines()[0]], code
    why = "; ".join(str(reason.text) for reason in record.reasons)
    return [record.plan, str(record.verdict), record.run_id, why[:WIDTH]], int(record.exit_code)


def _near(path: Path) -> str:
    """The path relative to the current folder, if it lies there."""
    return os.path.relpath(path) if path.resolve().is_relative_to(Path.cwd()) else str(path)
