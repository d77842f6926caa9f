"""Run-time switches: list, set, history."""

from __future__ import annotations

import argparse
import getpass
import json
from datetime import datetime

from harness.cli import add_word
from harness.commands import _stacks
from harness.control_client import ControlClient
from harness.errors import BadInput, closest
from system.contract.errors import BadRequest
from system.contract.switches import SWITCHES, checked

EXAMPLE = "xiu switch set draw.shed_percent 20 --why 'drill'"


def configure(parser: argparse.ArgumentParser) -> None:
    """The word's sub-words."""
    words = parser.add_subparsers(dest="sub", required=True, metavar="list|set|history")
    show = add_word(words, "list", "every switch, its value and bounds", "xiu switch list")
    change = add_word(words, "set", "set a switch", EXAMPLE)
    change.add_argument("key", metavar="KEY")
    change.add_argument("value", metavar="VALUE", type=int)
    change.add_argument("--why", default="", help="kept with the change")
    history = add_word(words, "history", "who changed what, when and why", "xiu switch history")
    for each in (show, change, history):
        _stacks.add_stack_options(each)


def run(args: argparse.Namespace) -> int:
    """Do what the sub-word says."""
    if args.sub == "set":
        known = [switch.key for switch in SWITCHES]
        if args.key not in known:
            hint = closest(args.key, known)
            raise BadInput(f"no switch {args.key}", expected="one of " + ", ".join(known), did_you_mean=hint)
        try:
            checked(args.key, args.value)
        except BadRequest as exc:
            raise BadInput(str(exc)) from exc
    with ControlClient.of(_stacks.need(args)) as control:
        return {"list": _list, "set": _set, "history": _history}[args.sub](control, args)


def _list(control: ControlClient, args: argparse.Namespace) -> int:
    values = control.call("GET", "/v1/switches").json()["switches"]
    if args.json:
        print(json.dumps({"switches": [{"id": key, "value": value} for key, value in values.items()]}, indent=1))
        return 0
    for switch in SWITCHES:
        value = values[switch.key]
        mark = " " if value == switch.default else "*"
        print(f"{mark} {switch.key:<22} {value:>9} {switch.unit:<8} {switch.lower} to {switch.upper}")
        print(f"    {switch.meaning}")
    return 0


def _set(control: ControlClient, args: argparse.Namespace) -> int:
    body = {"value": args.value, "who": getpass.getuser(), "why": args.why}
    done = control.call("PUT", f"/v1/switches/{args.key}", body).json()
    print(json.dumps(done, indent=1) if args.json else f"{done['key']}: {done['before']} → {done['value']}")
    return 0


def _history(control: ControlClient, args: argparse.Namespace) -> int:
    rows = control.call("GET", "/v1/switches/history").json()["history"]
    if args.json:
        print(json.dumps({"history": rows}, indent=1))
        return 0
    for row in rows:
        when = datetime.fromtimestamp(row["at_us"] / 1e6).astimezone().isoformat(" ", "seconds")
        print(f"{when}  {row['key']}: {row['before']} → {row['after']}  {row['who']}  {row['why']}".rstrip())
    if not rows:
        print("no switch was ever set")
    return 0
