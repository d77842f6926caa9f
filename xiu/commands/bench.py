"""Benchmarks, each a ratio against an anchor in the same run: ``xiu bench front | engine | open-loop | …``.

A bench is a module of ``harness.bench`` with ``run(say) -> Report``; it is imported when it is called.
"""

from __future__ import annotations

import argparse
import importlib
import json
import re
import sys
from pathlib import Path

import harness.bench
from harness.bench.common import TIMES, Report
from harness.environment import hot_path
from harness.errors import BadInput, closest
from harness.stack import raise_open_files
from system.contract.numbers import shown, whole_number

EXAMPLE = "xiu bench front --json"
LONGEST_S = 3600
PAIRS_MAX = 100_000_000
NOT_BENCHES = {
    "__init__",
    "common",
    "servers",
    "clients",
    "cpu",
    "fasthttp",
    "paired",
    "peers_locust",
    "peers_tools",
    "volley",
}


def names() -> list[str]:
    """Every bench there is."""
    folder = Path(harness.bench.__file__).parent
    return sorted(p.stem.replace("_", "-") for p in folder.glob("*.py") if p.stem not in NOT_BENCHES)


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("bench", metavar="BENCH", help=" | ".join(names()))
    parser.add_argument(
        "--seconds", type=_length_s, metavar="S", help="length of one sample (default: the bench's own)"
    )
    parser.add_argument(
        "--pairs", type=_pairs, metavar="N", help="relations alone: how many pairs (default: 10,000,000)"
    )


def _pairs(text: str) -> int:
    """Reads a number of pairs."""
    number = whole_number(text, PAIRS_MAX)
    if number is None or number < TIMES:
        raise argparse.ArgumentTypeError(f"{shown(text)} is no number of pairs; expected {TIMES} to {PAIRS_MAX}")
    return number


def _length_s(text: str) -> float:
    """Reads a number of seconds. `float` itself takes nan, inf, digits of other scripts and lengths without end."""
    seconds = float(text) if re.fullmatch(r"[0-9]{1,4}(\.[0-9]{1,3})?", text) else 0.0
    if not 0 < seconds <= LONGEST_S:
        raise argparse.ArgumentTypeError(
            f"{shown(text)} is no length; expected seconds, more than 0, at most {LONGEST_S}"
        )
    return seconds


def run(args: argparse.Namespace) -> int:
    """Measures and prints. Raises BadInput for a bench that does not exist."""
    if args.bench not in names():
        raise BadInput(
            f"no such bench: {args.bench}", expected=" | ".join(names()), did_you_mean=closest(args.bench, names())
        )
    hot_path()  # A tool that is asked for and missing is reported before anything is measured.
    raise_open_files()
    module = importlib.import_module(f"harness.bench.{args.bench.replace('-', '_')}")
    options = {} if args.seconds is None else {_length(args.bench): args.seconds}
    if args.pairs is not None:
        if args.bench != "relations":
            raise BadInput(f"bench {args.bench} takes no --pairs", expected="bench relations")
        options["pairs"] = args.pairs
    report: Report = module.run(_say, **options)
    if args.json:
        print(json.dumps(report.document(), indent=1))
    else:
        print(f"{report.bench}: {report.ratio:.3f} × {report.anchor}")
        print(f"  {report.value:,.4g} against {report.anchor_value:,.4g} {report.unit}")
        for name, value in report.extra.items():
            print(f"  {name}: {value}")
        print(f"  front: {hot_path()}")
    return 0


_SECONDS = {
    "engine": "run_s",
    "credit": "",
    "credit-cells": "",
    "cards": "",
    "tickets": "",
    "fission": "",
    "recorder": "",
    "report": "",
    "relations": "",
}
"""The argument with which a bench takes the length of a sample; empty where the bench has a fixed amount of work."""


def _length(bench: str) -> str:
    name = _SECONDS.get(bench, "seconds")
    if not name:
        raise BadInput(f"bench {bench} takes no --seconds", expected="its own amount of work")
    return name


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
