"""What runs, where, and what is injected."""

from __future__ import annotations

import argparse
import json
import time

from chaos.fault_ledger import Injected, injected
from harness.commands import _stacks

EXAMPLE = "xiu status --json"


def configure(parser: argparse.ArgumentParser) -> None:
    """The word's options."""
    _stacks.add_stack_options(parser)


def run(args: argparse.Namespace) -> int:
    """Tell every address and the state of each part."""
    stack = _stacks.need(args)
    faults = injected(stack.folder.path)
    if args.json:
        rows = [
            {"id": one.fault, "target": one.target, "drill": one.drill, "left_s": round(one.left_s(), 1),
             "owner_lives": one.owner_lives()}
            for one in faults
        ]  # fmt: skip
        died = [
            {"part": part, "times": len(all_), "last_at": all_[-1].at, "cause": all_[-1].detail}
            for part, all_ in stack.deaths().items()
        ]
        print(json.dumps({**_stacks.document(stack), "deaths": died, "injected": rows}, indent=1))
        return 0
    print("\n".join(_stacks.told(stack)))
    state, resources = stack.folder.read_state(), stack.resources()
    print("parts:")
    for name, doing in state["parts"].items():
        pid, used = state["pids"].get(name, "-"), resources.get(name, {})
        use = f"cpu {used.get('cpu_s', 0):.1f} s, {used.get('rss_mib_max', 0):.0f} MiB at most"
        print(f"  {name:<16} {doing:<10} pid {pid:<8} {use}")
    for part, all_ in stack.deaths().items():
        times = "once" if len(all_) == 1 else f"{len(all_)} times"
        print(f"  {part:<16} died {times}, last {time.time() - all_[-1].at:.0f} s ago: {all_[-1].detail}")
    print("injected:" if faults else "injected: nothing")
    for one in faults:
        print(f"  {_fault(one)}")
    return 0


def _fault(one: Injected) -> str:
    left = one.left_s()
    lasts = f"for another {left:.0f} s" if left > 0 else f"{-left:.0f} s overdue: xiu heal"
    owner = f", drill {one.drill}" if one.drill else ""
    # Overdue and its drill dead: then its watchdog is dead as well.
    dead = "" if one.owner_lives() or left <= 0 else "; its drill is dead, the watchdog heals it"
    return f"{one.fault} on {one.target}{owner}, {lasts}{dead}"
