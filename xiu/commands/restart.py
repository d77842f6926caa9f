"""Start a part of the running stack again: a running part, or one that was given up."""

from __future__ import annotations

import argparse
import time

from harness.errors import BadInput
from harness.secrets import hidden
from harness.stack.places import no_place
from system.contract.places import credit
from xiu.commands import _stacks
from xiu.commands._text import emit

EXAMPLE = f"xiu restart {credit('live').name}"


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("part", metavar="PART", help="as `xiu status` names it")
    _stacks.add_stack_options(parser)


def run(args: argparse.Namespace) -> int:
    """Stops the part in order where it runs, starts it, and waits until it is ready.

    Raises BadInput for a part that does not exist or belongs to somebody else, EnvironmentNotReady where no stack runs
    or the part does not come up.
    """
    stack = _stacks.need(args)
    state = stack.state()
    parts: dict[str, str] = state["parts"]
    if args.part in state["externals"]:
        what = f"{args.part} is external ({hidden(state['externals'][args.part])}): its owner restarts it"
        raise BadInput(what, expected="one of " + ", ".join(parts))
    if args.part not in parts:
        raise no_place(args.part, parts)
    was, began = parts[args.part], time.monotonic()
    pid = stack.restart(args.part)
    took_s = time.monotonic() - began
    if args.json:
        emit({"part": args.part, "was": was, "pid": pid, "took_s": round(took_s, 2)})
    else:
        print(f"{args.part} is ready again after {took_s:.2f} s, pid {pid}; before it was: {was.replace('_', ' ')}")
    return 0
