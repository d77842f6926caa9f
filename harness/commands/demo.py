"""A round of the gala at this machine's share, from forecast to verdict."""

from __future__ import annotations

import argparse
from fractions import Fraction
from pathlib import Path

from chaos import playbook
from harness.commands.run import tell
from harness.orchestrate import run_plan
from harness.run_order import order_of
from plans.models import find, load_plan
from plans.models.quantity import ratio

EXAMPLE = "xiu demo --full"
PLAN = "gala-share"


def configure(parser: argparse.ArgumentParser) -> None:
    """The word's options."""
    parser.add_argument("--full", action="store_true", help="the real five minutes")
    parser.add_argument("--keep", action="store_true", help="leave everything up to look at, Prometheus included")
    parser.add_argument("--seed", type=int, metavar="N", help="another schedule than the plan's own")
    parser.add_argument("--scale", type=_scale, metavar="1/N", help="exactly this share of the event; no calibration")
    parser.add_argument("--plan", default=PLAN, metavar="FILE", help="another stress plan (default: the gala's share)")


def _scale(text: str) -> Fraction:
    try:
        return ratio(text)
    except ValueError as exc:
        raise argparse.ArgumentTypeError(str(exc)) from exc


def run(args: argparse.Namespace) -> int:
    """Plays the round on the live lane of a stack of its own; the exit code is the verdict's."""
    loaded = load_plan(find(args.plan, "stress"))
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
    )
    record = run_plan(order)
    tell(record, order.runs, as_json=args.json)
    return record.exit_code
