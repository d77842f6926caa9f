"""The red button: stop all generated traffic, heal every fault, stop playbooks. Works with control dead."""

from __future__ import annotations

import argparse
from pathlib import Path

from chaos.errors import NotHealed
from chaos.heal import heal_everything
from chaos.playbook import halting
from harness.errors import HarnessError
from harness.guard.kill import stop_generators
from harness.stack import Stack, find_running
from xiu.commands._stacks import VAR
from xiu.commands._text import emit
from xiu.commands.kill import as_data, as_text, nothing_found, recorded, refuse, registers, report_undone

EXAMPLE = "xiu halt"
ENGINE = "playbook"
HEALER_S = 5.0
"""Seconds to wait for another process that is healing."""


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--var", type=Path, default=VAR, metavar="DIR", help="where stacks are kept (default: var)")


def run(args: argparse.Namespace) -> int:
    """Tries everything, whatever fails meanwhile. Exit code 0: all of it was done and seen; 99 if a fault is left, else
    5 where something was not done, or nothing was found.
    """
    # Playbooks first: a playbook must not take what stops next for a new fault.
    try:
        stopped, unstopped = _stop_playbooks(args.var)
    except (OSError, RuntimeError):
        stop_generators(registers(args))  # a --var that cannot be read: traffic is stopped all the same
        raise
    ways = stop_generators(registers(args))
    healed = heal_everything(args.var, HEALER_S)
    # Control last: traffic stops without it, so a dead or frozen control delays nothing.
    ways.append(refuse(args.var, "xiu halt"))
    recorded(Path(args.runs), ways, "xiu halt")
    undone = [*(line for way in ways for line in way.undone), *healed.unseen, *unstopped]
    if not undone and not healed.running and not (healed.lines or healed.left or any(way.done for way in ways)):
        undone = [nothing_found(args)]
    if args.json:
        playbooks = stopped + unstopped
        emit({"ways": as_data(ways), "healed": healed.lines, "left": healed.left, "playbooks": playbooks,
              "undone": undone})  # fmt: skip
    else:
        print("\n".join([*as_text(ways), *healed.lines, *healed.left]))
        if healed.running and not (healed.lines or healed.left or healed.unseen):
            print("nothing is injected")
        print("\n".join(stopped + unstopped) or "no stack runs, so no playbook does")
        if stopped:
            print("playbooks begin again with: xiu playbook resume")
    code = report_undone(undone)
    return NotHealed.exit_code if healed.left else code


def _stop_playbooks(var: Path) -> tuple[list[str], list[str]]:
    """(what was stopped, what may not be). A full disk must not keep traffic and faults going."""
    stopped: list[str] = []
    failed: list[str] = []
    for folder in find_running(var):
        try:
            stopped += halting.halt(folder)
        except OSError as exc:
            word = _end_engine(folder)
            (failed if word else stopped).append(
                f"{folder.name}: playbooks may go on: {exc}; {word}" if word else
                f"{folder.name}: no mark can be set ({exc.strerror}): the playbook engine was ended; "
                "again with: xiu restart playbook"
            )  # fmt: skip
    return stopped, failed


def _end_engine(folder: Path) -> str:
    """The other way to stop playbooks: the engine is killed and stays dead. Returns in words why it could not be."""
    try:
        stack = Stack.attach(folder)
        if ENGINE in stack.state()["parts"]:
            stack.suspend_restart(ENGINE)
            if ENGINE in stack.pids():
                stack.kill(ENGINE)
    except (HarnessError, OSError) as exc:
        return str(exc)
    return ""
