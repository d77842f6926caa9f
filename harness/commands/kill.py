"""Stop all generated traffic now, all three ways."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from harness.commands._stacks import VAR
from harness.commands._text import emit
from harness.control_client import ControlClient
from harness.errors import HarnessError
from harness.guard.kill import kill_all
from harness.stack import Stack, find_running

EXAMPLE = "xiu kill"
REGISTER = ".generators"


def configure(parser: argparse.ArgumentParser) -> None:
    """The word's options."""
    parser.add_argument("--var", type=Path, default=VAR, metavar="DIR", help="where stacks are kept (default: var)")


def run(args: argparse.Namespace) -> int:
    """Kill file, signal and switch; exit code 0 also when nothing was firing."""
    controls = controls_of(args.var)
    ways = kill_all(Path(args.runs) / REGISTER, controls, "xiu kill")
    for control in controls:
        control.close()
    if args.json:
        emit({"ways": [{"way": w.way, "done": w.done, "failed": w.failed, "says": w.says} for w in ways]})
    else:
        for way in ways:
            print(f"{way.way:<22} {way.says}")
        if controls:
            print("stress traffic stays refused until: xiu switch set stress.accept 1")
    return 1 if any(way.failed for way in ways) else 0


def controls_of(var: Path) -> list[ControlClient]:
    """Control of every stack that runs under `var`."""
    found = []
    for folder in find_running(var):
        try:
            stack = Stack.attach(folder)
            if stack.addresses.control_url is not None:
                found.append(ControlClient.of(stack))
        except (HarnessError, OSError) as exc:
            # One that is just starting or stopping: the other ways work without its control.
            print(f"xiu: {folder.name}: {exc}", file=sys.stderr)
    return found
