"""Remove every fault recorded as injected, from any state, also after a crash."""

from __future__ import annotations

import argparse
from pathlib import Path

from chaos.errors import NotHealed
from chaos.heal import HealReport, heal_everything
from xiu.commands import _stacks
from xiu.commands._stacks import VAR
from xiu.commands._text import emit
from xiu.commands.kill import report_undone

EXAMPLE = "xiu heal"


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--var", type=Path, default=VAR, metavar="DIR", help="where stacks are kept (default: var)")


def run(args: argparse.Namespace) -> int:
    """Heals what every stack's fault ledger holds, oldest stack first, then what is on their links and in no ledger.

    Exit code 0 also where nothing was injected; 99 where something is left; 5 where a part could not be asked, or no
    stack runs and nothing was to be healed.
    """
    healed = heal_everything(args.var)
    undone = [*healed.unseen, *_nothing_found(args, healed)]
    if args.json:
        emit({"healed": healed.lines, "left": healed.left, "undone": undone})
    elif healed.lines or healed.left:
        print("\n".join([*healed.lines, *healed.left]))
    elif not undone:
        print("nothing is injected")
    code = report_undone(undone)
    return NotHealed.exit_code if healed.left else code


def _nothing_found(args: argparse.Namespace, healed: HealReport) -> list[str]:
    if healed.running or healed.lines or healed.left or healed.unseen:
        return []
    ended = f"; of {healed.stacks} that have ended nothing is left injected" if healed.stacks else ""
    return [_stacks.nothing_runs(args.var) + ended]
