"""Remove every fault recorded as injected, from any state, also after a crash."""

from __future__ import annotations

import argparse
from pathlib import Path

from chaos.errors import NotHealed
from chaos.heal import heal_everything
from harness.commands._stacks import VAR
from harness.commands._text import emit

EXAMPLE = "xiu heal"


def configure(parser: argparse.ArgumentParser) -> None:
    """The word's options."""
    parser.add_argument("--var", type=Path, default=VAR, metavar="DIR", help="where stacks are kept (default: var)")


def run(args: argparse.Namespace) -> int:
    """Every stack's ledger, oldest stack first; exit code 0 also where nothing was injected."""
    lines, failed = heal_everything(args.var)
    if args.json:
        emit({"healed": lines, "left": failed})
    else:
        print("\n".join([*lines, *failed]) or "nothing is injected")
    return NotHealed.exit_code if failed else 0
