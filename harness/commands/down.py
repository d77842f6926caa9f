"""Stop what `up --detach` or `demo --keep` left running."""

from __future__ import annotations

import argparse
import json

from harness.commands import _stacks

EXAMPLE = "xiu down"


def configure(parser: argparse.ArgumentParser) -> None:
    """The word's options."""
    _stacks.add_stack_options(parser)


def run(args: argparse.Namespace) -> int:
    """Stop it and wait until nothing is left. Nothing running is no error."""
    stack = _stacks.chosen(args)
    if stack is not None:
        stack.down()
    if args.json:
        print(json.dumps({"stopped": [] if stack is None else [str(stack.folder.path)]}))
    else:
        print(
            "no stack runs here"
            if stack is None
            else f"stopped {stack.folder.path.name}; its data is kept in {stack.folder.path}"
        )
    return 0
