"""`xiu plan` where a plan has a `target`: one's own service."""

from __future__ import annotations

import argparse
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import BadInput
from plans.models.ids import beside
from plans.models.service import LoadedService, ServicePlan, load_service
from plans.models.target_service import UrlTarget
from xiu.commands import _doors, _sound
from xiu.commands._text import about_lines, emit, purpose_lines, table, targets_table

if TYPE_CHECKING:
    from harness.runs.record import RunRecord

NOT_HERE = ("scale", "stack", "on", "short")
NAMING = re.compile(r"(\b(?:data|ca|locustfile|recording):\s*['\"]?)([^'\"\s,}]+)")
"""The keys of such a plan that name a file beside it."""


def listed(loaded: LoadedService) -> dict[str, Any]:
    """A row of `xiu plan list`."""
    plan = loaded.plan
    purpose = plan.purpose.model_dump() if plan.purpose else None
    named = {"title": plan.title.model_dump(), "purpose": purpose, "forecast": None, "lane": None}
    return {**named, "target": address_of(plan)}


def address_of(plan: ServicePlan) -> str:
    """The service as the plan names it."""
    target = plan.target
    return target.url if isinstance(target, UrlTarget) else target.locustfile


def files_moved(text: str, loaded: LoadedService, folder: Path) -> str:
    """The text with the files that the plan names, as they are named from `folder`."""

    def renamed(found: re.Match[str]) -> str:
        return found[1] + os.path.relpath(beside(loaded.plan_file.resolve(), found[2]), folder)

    return NAMING.sub(renamed, text)


def show(args: argparse.Namespace, path: Path) -> int:
    """What the plan will send where, its curve and its bands."""
    _tell(load_service(path).plan, args.json)
    return 0


def run(args: argparse.Namespace, path: Path) -> int:
    """Carries the plan out. Raises BadInput for options that mean a red-packet system."""
    for name in NOT_HERE:
        if getattr(args, name, None):
            option = name.replace("_", "-")
            raise BadInput(
                f"--{option} with a plan for one's own service", expected="it left out: the plan has a target"
            )
    loaded = load_service(path)
    if args.dry_run:
        _doors.doors_of(args)
        _tell(loaded.plan, args.json)
        return 0
    from xiu.commands.run import tell  # what tells of it is read by who plays alone

    _sound.look()
    record = played(args, loaded)
    tell(record, Path(args.runs), as_json=args.json)
    return int(record.exit_code)


def brings_its_own(loaded: LoadedService) -> bool:
    """Does the plan start the service that it sends to?"""
    return isinstance(loaded.plan.target, UrlTarget) and loaded.plan.target.stand_in is not None


def played(args: argparse.Namespace, loaded: LoadedService) -> RunRecord:
    """The plan, carried out. Raises EnvironmentNotReady, BadInput."""
    # What plays it is read by who plays alone.
    from harness.service.conduct import run_service
    from harness.service.order import service_order

    seed, name = getattr(args, "seed", None), getattr(args, "approved_by", None)
    order = service_order(loaded, Path(args.runs), seed, strict=args.strict, progress=args.progress, approved_by=name,
                          doors=_doors.doors_of(args))  # fmt: skip
    return run_service(order)


def _tell(plan: ServicePlan, as_json: bool) -> None:
    from harness.service.judging import targets_of
    from xiu.commands._curve import chart, climb_lines, steps_table

    targets, segments = targets_of(plan), plan.segments()
    if as_json:
        emit(
            {
                "id": plan.id,
                "plan": plan.model_dump(mode="json"),
                "segments": segments,
                "takes_s": plan.length_s + plan.drain.answers,
                "targets": [target.model_dump(mode="json") for target in targets],
            }
        )
        return
    print(f"{plan.title.en}\n")
    print(
        "\n".join(
            [
                *about_lines(plan.about),
                *purpose_lines(plan.purpose),
                f"target     {address_of(plan)}",
                f"rate       {plan.rate:,.6g}/s at the peak",
                *_beside_lines(plan),
            ]
        )
    )
    print(f"\n{chart('requests', segments)}\n")
    print("\n".join([*climb_lines(plan.climb), steps_table(segments)]))
    if isinstance(plan.target, UrlTarget):
        print(f"\n{_requests_table(plan, plan.target)}")
    print(f"\n{targets_table(targets)}")
    warm_s, drain_s = plan.warm_up.duration, plan.drain.answers
    most = "at most " if plan.climb is not None else ""
    print(f"\nload       {most}{plan.length_s:g} s, {warm_s:g} s of it warm-up; answers are waited for {drain_s:g} s")


def _beside_lines(plan: ServicePlan) -> list[str]:
    """What else the run starts; nothing as a rule."""
    found = plan.target.stand_in if isinstance(plan.target, UrlTarget) else None
    stands = [] if found is None else [
        f"stand-in   a server of xiu's own, which stands still for {found.length:g} s after {found.at:g} s"
    ]  # fmt: skip
    closed = plan.closed_loop
    return stands + ([] if closed is None else [f"beside     a closed loop of plain Locust, {closed.users:,} users"])


def _requests_table(plan: ServicePlan, target: UrlTarget) -> str:
    from harness.service.prepare import connections_of, weights_of
    from harness.service.requests import route

    rows = [
        [one.request, one.method, route(target, one), f"{plan.rate * part:,.6g}/s", str(wires)]
        for one, part, wires in zip(target.each, weights_of(target), connections_of(plan, target), strict=True)
    ]
    return table(("request", "method", "path", "at the peak", "connections"), rows, "lllrr")
