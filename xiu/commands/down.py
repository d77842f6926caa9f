"""Stop what `up --detach` or `demo --keep` left running."""

from __future__ import annotations

import argparse
import json

from harness.errors import BadInput, EnvironmentNotReady
from harness.stack import Stack, find_running, find_shared, owner_of
from xiu.commands import _stacks

EXAMPLE = "xiu down"


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    _stacks.add_stack_options(parser)


def run(args: argparse.Namespace) -> int:
    """Stops the stack and waits until nothing is left. Exit code 5 if none runs, 2 for a stack of a run."""
    stack = _stack(args)
    if stack is None:
        if args.json:
            print(json.dumps({"stopped": []}))
        raise EnvironmentNotReady(_stacks.nothing_runs(args.var))
    stack.down()
    if args.json:
        print(json.dumps({"stopped": [str(stack.folder.path)]}))
    else:
        print(f"stopped {stack.folder.path.name}; its data is kept in {stack.folder.path}")
    return 0


def _stack(args: argparse.Namespace) -> Stack | None:
    """The stack to stop, None if none runs. Raises BadInput for a stack that belongs to a run: it ends with the run."""
    shared = find_shared(args.var)
    if args.stack is None and shared:
        return _stacks.one_of(shared)
    for folder in [args.stack] if args.stack else find_running(args.var):
        pid = owner_of(folder)
        if pid is not None:
            what = f"the stack in {folder} is private to process {pid}, which goes on, and ends with it"
            raise BadInput(what, expected=f"that process ended first: kill -INT {pid}; or its load alone: xiu kill")
    return Stack.attach(args.stack) if args.stack else None
