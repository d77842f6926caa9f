"""The red button: kill all fire, heal every fault, stop playbooks. Works with control dead."""

from __future__ import annotations

import argparse
from pathlib import Path

from chaos.errors import NotHealed
from chaos.heal import heal_everything
from chaos.playbook import halting
from harness.commands._stacks import VAR
from harness.commands._text import emit
from harness.commands.kill import REGISTER, controls_of
from harness.guard.kill import kill_all
from harness.stack import find_running

EXAMPLE = "xiu halt"


def configure(parser: argparse.ArgumentParser) -> None:
    """The word's options."""
    parser.add_argument("--var", type=Path, default=VAR, metavar="DIR", help="where stacks are kept (default: var)")


def run(args: argparse.Namespace) -> int:
    """Everything is tried, whatever the rest does; exit 1 if fire or a playbook may go on, 99 if a fault is left."""
    # Playbooks first: whatever stops next must not be taken for a new fault by one.
    stopped, unstopped = _stop_playbooks(args.var)
    register = Path(args.runs) / REGISTER
    ways = kill_all(register, [], "xiu halt")[:2]
    firing = any(way.failed for way in ways)
    healed, left = heal_everything(args.var)
    # Control last: dead or frozen it keeps nobody waiting, and fire is out without it.
    controls = controls_of(args.var)
    ways += kill_all(register, controls, "xiu halt")[2:]
    for control in controls:
        control.close()
    if args.json:
        rows = [{"way": way.way, "done": way.done, "failed": way.failed, "says": way.says} for way in ways]
        emit({"ways": rows, "healed": healed, "left": left, "playbooks": stopped + unstopped})
    else:
        for way in ways:
            print(f"{way.way:<22} {way.says}")
        print("\n".join([*healed, *left]) or "nothing is injected")
        print("\n".join(stopped + unstopped) or "no stack runs, so no playbook does")
        if controls:
            print("playbooks begin again with: xiu playbook resume")
            print("stress traffic stays refused until: xiu switch set stress.accept 1")
    if left:
        return NotHealed.exit_code
    return 1 if firing or unstopped else 0


def _stop_playbooks(var: Path) -> tuple[list[str], list[str]]:
    """(what was stopped, what may not be): a full disk must not keep fire and faults going."""
    stopped: list[str] = []
    failed: list[str] = []
    for folder in find_running(var):
        try:
            stopped += halting.halt(folder)
        except OSError as exc:
            failed.append(f"{folder.name}: playbooks may go on: {exc}")
    return stopped, failed
