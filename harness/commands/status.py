"""What runs, where, and what is injected."""

from __future__ import annotations

import argparse
import json

from harness.commands import _stacks

EXAMPLE = "xiu status --json"


def configure(parser: argparse.ArgumentParser) -> None:
    """The word's options."""
    _stacks.add_stack_options(parser)


def run(args: argparse.Namespace) -> int:
    """Tell every address and the state of each part."""
    stack = _stacks.need(args)
    if args.json:
        print(json.dumps(_stacks.document(stack), indent=1))
        return 0
    print("\n".join(_stacks.told(stack)))
    state, resources = stack.folder.read_state(), stack.resources()
    print("parts:")
    for name, doing in state["parts"].items():
        pid, used = state["pids"].get(name, "-"), resources.get(name, {})
        use = f"cpu {used.get('cpu_s', 0):.1f} s, {used.get('rss_mib_max', 0):.0f} MiB at most"
        print(f"  {name:<16} {doing:<10} pid {pid:<8} {use}")
    return 0
