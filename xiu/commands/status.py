"""What runs, where, and what is injected."""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

from chaos.fault_ledger import Injected, injected
from chaos.heal import strays
from harness.errors import HarnessError
from harness.stack import Stack
from xiu.commands import _counts, _engine, _stacks

EXAMPLE = "xiu status --json"


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    _stacks.add_stack_options(parser)
    _stacks.add_show_secrets(parser)


def run(args: argparse.Namespace) -> int:
    """Prints every address and the state of each part."""
    stack = _stacks.need(args)
    faults = injected(stack.folder.path)
    state = stack.state()
    unknown, unseen = _strays(stack, state)
    counted, uncounted = _counts.read(stack)
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
        document = _stacks.document(stack, state, secrets=args.show_secrets)
        more = {"deaths": died, "injected": rows, "in_no_ledger": unknown, "links_unseen": unseen,
                "playbooks_refused": _engine.refused(stack), "counted": _counts.document(counted),
                "counts_unread": uncounted}  # fmt: skip
        print(json.dumps({**document, **more}, indent=1))
        return 0
    print("\n".join(_stacks.stack_lines(stack, secrets=args.show_secrets)))
    _tell_parts(stack, state)
    for line in _counts.lines(counted, uncounted):
        print(line)
    for problem in _engine.refused(stack):
        print(f"playbook file refused: {problem}")
    print("injected:" if faults or unknown else "injected: nothing")
    for one in faults:
        print(f"  {_fault(one)}")
    for line in unknown:
        print(f"  {line}: in no ledger; away with: xiu heal")
    if unseen:
        print(f"  the links were not looked at: {unseen}")
    return 0


def _tell_parts(stack: Stack, state: dict[str, Any]) -> None:
    print("parts:")
    for name, doing in state["parts"].items():
        pid, used = state["pids"].get(name, "-"), state["resources"].get(name, {})
        use = f"cpu {used.get('cpu_s', 0):.1f} s, {used.get('rss_mib_max', 0):.0f} MiB at most"
        again = f"; again with: xiu restart {name}" if doing == "gave_up" else ""
        print(f"  {name:<16} {doing:<10} pid {pid:<8} {use}{again}")
    for part, all_ in stack.deaths().items():
        times = "once" if len(all_) == 1 else f"{len(all_)} times"
        print(f"  {part:<16} died {times}, last {time.time() - all_[-1].at:.0f} s ago: {all_[-1].detail}")


def _strays(stack: Stack, state: dict[str, Any]) -> tuple[list[str], str]:
    """(what is on the links and in no fault ledger, why the links could not be read)."""
    if "toxiproxy" not in state["parts"] and "toxiproxy" not in state["externals"]:
        return [], ""  # only stores run here
    try:
        return strays(stack), ""
    except (HarnessError, OSError) as exc:
        return [], str(exc).splitlines()[0]


def _fault(one: Injected) -> str:
    left = one.left_s()
    lasts = f"for another {left:.0f} s" if left > 0 else f"{-left:.0f} s overdue: xiu heal"
    owner = f", drill {one.drill}" if one.drill else ""
    dead = "" if one.owner_lives() or left <= 0 else "; its drill is dead, the watchdog heals it"
    return f"{one.fault} on {one.target}{owner}, {lasts}{dead}"
