"""The evening in small: a round of the gala at this machine's share and the plays beside it, forecast to verdict."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

from chaos import playbook
from chaos.contingency import Contingency, answered
from chaos.facts import Timed
from chaos.library import load_faults
from harness.engine import shots
from harness.orchestrate.run import run_plan
from harness.orchestrate.system import System
from harness.runs.order import RunOrder, order_of
from plans.models import find, find_drill, load_drill, load_plan
from plans.models.quantity import ratio
from xiu.commands import _sound
from xiu.commands.run import tell

EXAMPLE = "xiu demo --full"
PLAN = "gala-share"
DRILL, PLAYBOOK = "credit-cut", "credit-stalled"
PROMISED_S = 120.0
"""How long a demo takes at most on a machine that is set up and has nothing else to do. Told, and never judged: a slow
machine plays the same round, and says as much about the system."""
MID_ROUND = 0.45
ROOM_S = 40.0
"""Measured seconds that a fault, its playbook and the catching up need; a shorter plan is played without the fault."""


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--full", action="store_true", help="the real five minutes")
    parser.add_argument("--keep", action="store_true", help="leave everything up to look at, Prometheus included")
    parser.add_argument("--seed", type=int, metavar="N", help="seed of the schedule (default: the plan's)")
    parser.add_argument("--scale", type=_scale, metavar="1/N", help="exactly this share of the event; no calibration")
    parser.add_argument("--no-fault", action="store_true", help="without the fault in mid-round")
    parser.add_argument("--plan", default=PLAN, metavar="FILE", help="another stress plan (default: the gala's share)")


def _scale(text: str) -> Fraction:
    try:
        return ratio(text)
    except ValueError as exc:
        raise argparse.ArgumentTypeError(str(exc)) from exc


def run(args: argparse.Namespace) -> int:
    """Plays the round on the live lane of a stack of its own, and the season of its forecast after it. The exit code
    is the verdict's.
    """
    began = time.monotonic()
    _sound.look()
    loaded = load_plan(find(args.plan, "stress"), shots.files())
    order = order_of(
        loaded,
        Path(args.runs),
        args.seed,
        lane="live",
        scale=args.scale,
        duration_s=loaded.forecast.round.full if args.full else None,
        strict=args.strict,
        progress=args.progress,
        keep=args.keep,
        own_stack=True,
        parts=(playbook.part(),),
        season=loaded.forecast.season is not None,
    )
    record = run_plan(order, None if args.no_fault else disturbed(order))
    tell(record, order.runs, as_json=args.json)
    print(took(time.monotonic() - began, promised=args.plan == PLAN and not args.full), file=sys.stderr)
    return record.exit_code


def took(seconds: float, *, promised: bool) -> str:
    """How long the command took, in words. `promised`: it is the demo that has a promise."""
    over = promised and seconds > PROMISED_S
    return f"took {seconds:.0f} s" + (f", more than {PROMISED_S:.0f} s: this machine is slow, or busy" if over else "")


def disturbed(order: RunOrder) -> Callable[[System], Contingency] | None:
    """The drill `credit-cut` in mid-round, answered by its playbook; None where the plan is too short."""
    plan = order.loaded.plan
    measured_s = plan.measured_s * (plan.stretch(order.duration_s) if order.duration_s else 1.0)
    if measured_s < ROOM_S:
        return None
    faults = load_faults()
    drill = load_drill(find_drill(DRILL), faults).drill
    when, alert = drill.fault, drill.expect.alert
    assert when is not None, f"drill {DRILL} has a fault"
    at_s = plan.warm_up.duration + MID_ROUND * measured_s
    name = alert.name if alert else None
    timed = Timed(faults[when.id], when.target, at_s, when.length, drill=drill.id, alert=name)
    return answered(timed, PLAYBOOK)
