"""Stop all generated traffic now, all three ways."""

from __future__ import annotations

import argparse
import sys
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from harness.control_client import ControlClient
from harness.errors import EnvironmentNotReady, HarnessError
from harness.guard.audit_log import write
from harness.guard.kill import REGISTER, Killed, Running, refuse_stress, stop_generators
from harness.stack import Stack, find_running
from harness.who import me
from xiu.commands import _stacks
from xiu.commands._stacks import VAR
from xiu.commands._text import emit

EXAMPLE = "xiu kill"
CONTROL_S = 3.0
"""Seconds for each call to control: a frozen control delays the button no longer."""


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--var", type=Path, default=VAR, metavar="DIR", help="where stacks are kept (default: var)")


def run(args: argparse.Namespace) -> int:
    """Kill file, signal and switch. Exit code 0 also when no generator ran; 5 where something was not done, or no stack
    was found.
    """
    ways = stop_generators(registers(args))
    ways.append(refuse(args.var, "xiu kill"))
    recorded(Path(args.runs), ways, "xiu kill")
    undone = [line for way in ways for line in way.undone]
    if not undone and not any(way.done for way in ways):
        undone = [nothing_found(args)]
    if args.json:
        emit({"ways": as_data(ways), "undone": undone})
    else:
        print("\n".join(as_text(ways)))
    return report_undone(undone)


def recorded(runs: Path, ways: list[Killed], word: str) -> None:
    """A line in the audit log of the runs that are kept there; what was stopped is stopped, told or not."""
    if runs.is_dir():
        with suppress(OSError):
            write(runs, "kill", me(), by=word, ways={way.way: way.says for way in ways})


def registers(args: argparse.Namespace) -> list[Path]:
    """Where generators are registered: in the folders of runs, and in those of running stacks at which they aim."""
    found = [Path(args.runs) / REGISTER]
    with suppress(OSError, RuntimeError):  # a --var that cannot be read is reported later, where stacks are looked for
        found += [folder / REGISTER for folder in find_running(args.var)]
    return found


def refuse(var: Path, who: str) -> Killed:
    """Sets `stress.accept` to 0 on every running stack under `var`."""
    systems = running_under(var)
    try:
        return refuse_stress(systems, who)
    finally:
        for system in systems:
            if system.control is not None:
                with closing(system.control):
                    pass


def running_under(var: Path) -> list[Running]:
    """Every stack that runs there, also one that is starting or stopping."""
    found = []
    for folder in find_running(var):
        try:
            stack = Stack.attach(folder)
            at = stack.addresses
            if at.control_url is None:
                continue  # only stores run there: no traffic is accepted
            fronts = {place.name: place.metrics_url for place in at.places.of("front") if place.metrics_url}
            found.append(Running(folder.name, ControlClient.of(stack, CONTROL_S), fronts))
        except (HarnessError, OSError) as exc:
            found.append(Running(folder.name, None, why=str(exc).splitlines()[0]))
    return found


def as_data(ways: list[Killed]) -> list[dict[str, Any]]:
    """For `--json`."""
    return [{"way": w.way, "done": w.done, "failed": w.failed, "says": w.says, "undone": list(w.undone)} for w in ways]


def as_text(ways: list[Killed]) -> list[str]:
    """One line for each way to stop traffic. *Refused* only where control and every front show it."""
    lines = [f"{way.way:<22} {way.says}" for way in ways]
    if ways[-1].done and not ways[-1].failed:
        lines.append("stress traffic stays refused until: xiu switch set stress.accept 1")
    return lines


def nothing_found(args: argparse.Namespace) -> str:
    """The sentence for *nothing found*: which folders were searched."""
    register = (Path(args.runs) / REGISTER).resolve()
    return f"{_stacks.nothing_runs(args.var)}; no generator is registered in {register}"


def report_undone(undone: list[str]) -> int:
    """Prints what was not done; returns the exit code."""
    with suppress(OSError):
        for line in undone:
            print(f"xiu: not done: {line}", file=sys.stderr, flush=True)
    return EnvironmentNotReady.exit_code if undone else 0
