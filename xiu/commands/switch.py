"""Run-time switches: list, set, history."""

from __future__ import annotations

import argparse
import json
import sys
from datetime import datetime

from harness.control_client import ControlClient
from harness.errors import BadInput, closest
from harness.who import me
from system.contract.errors import BadRequest
from system.contract.ids import LANES, Lane
from system.contract.places import CELLS_MAX
from system.contract.switches import SWITCHES, Switch, checked, lanes_of, need_cell, tables
from xiu.cli import add_word
from xiu.commands import _stacks

SWITCH = {switch.key: switch for switch in SWITCHES}
EXAMPLE = "xiu switch set draw.shed_percent 20 --why 'drill'"


def configure(parser: argparse.ArgumentParser) -> None:
    """The sub-commands."""
    words = parser.add_subparsers(dest="sub", required=True, metavar="list|set|history")
    show = add_word(words, "list", "every switch: its value, type, range and scope", "xiu switch list")
    change = add_word(words, "set", "set a switch", EXAMPLE)
    change.add_argument("key", metavar="KEY", help="as `xiu switch list` shows it")
    change.add_argument("value", metavar="VALUE", help="a whole number; for a bool also on or off")
    change.add_argument("--lane", choices=LANES, help="default: both lanes")
    change.add_argument("--cell", type=int, help="this cell alone; default: every cell without a value of its own")
    change.add_argument("--why", default="", help="reason, kept with the change")
    history = add_word(words, "history", "who changed what, when and why", "xiu switch history")
    for each in (show, change, history):
        _stacks.add_stack_options(each)


def run(args: argparse.Namespace) -> int:
    """Carries out the sub-command."""
    if args.sub == "set":
        if args.key not in SWITCH:
            hint = closest(args.key, SWITCH)
            raise BadInput(f"no switch {args.key}", expected="one of " + ", ".join(SWITCH), did_you_mean=hint)
        try:
            args.value = checked(args.key, SWITCH[args.key].read(args.value))
            lanes_of(args.key, args.lane)
            if args.cell is not None:
                need_cell(args.key, args.cell, CELLS_MAX)  # how many there are control knows
        except BadRequest as exc:
            raise BadInput(str(exc)) from exc
    with ControlClient.of(_stacks.need(args)) as control:
        return {"list": _list, "set": _set, "history": _history}[args.sub](control, args)


def _list(control: ControlClient, args: argparse.Namespace) -> int:
    document = control.document("GET", "/v1/switches", "switches")
    lanes = document.get("lanes") or tables(document["switches"])
    own = document.get("cells", {})
    if args.json:
        rows = [{"id": key, "value": value} for key, value in document["switches"].items()]
        declared = {switch.key: _declared(switch) for switch in SWITCHES}
        more = {"cells": own} if own else {}
        print(json.dumps({"switches": rows, "lanes": lanes, **more, "declared": declared}, indent=1))
        return 0
    for switch in SWITCHES:
        values = [lanes[lane][switch.key] for lane in LANES]
        print("\n".join(_rows(switch, dict(zip(LANES, values, strict=True)))))
        for lane, cells in own.items():
            for cell, values_of in cells.items():
                if switch.key in values_of:
                    value = values_of[switch.key]
                    print(f"{_mark(switch, value)} {switch.key:<22} {value:>9}{_where(lane, int(cell))}")
        scope = "for each lane" if switch.by_lane else "one for both lanes"
        print(f"    {switch.meaning}; {scope}, read by {', '.join(switch.readers)}")
    return 0


def _declared(switch: Switch) -> dict[str, object]:
    """The switch's declaration in the contract."""
    return {
        "type": switch.type, "unit": switch.unit, "default": switch.default, "from": switch.lower, "to": switch.upper,
        "scope": list(switch.scope), "readers": list(switch.readers),
    }  # fmt: skip


def _rows(switch: Switch, values: dict[Lane, int]) -> list[str]:
    """One line for both lanes, or one for each where they differ; `*` marks a value that is not the default."""
    same = len(set(values.values())) == 1
    values_by_lane = [("", values[LANES[0]])] if same else list(values.items())
    unit = f" {switch.unit}" if switch.type == "count" else ""
    return [
        f"{_mark(switch, value)} {switch.key:<22} {value:>9} {switch.type:<8} {switch.lower} to {switch.upper}{unit}"
        f"{'' if value == switch.default else f', default {switch.default}'}{f'  lane {lane}' if lane else ''}"
        for lane, value in values_by_lane
    ]


def _mark(switch: Switch, value: int) -> str:
    return " " if value == switch.default else "*"


def _where(lane: str | None, cell: int | None) -> str:
    """In which lane and cell, as far as named: ` (lane live, cell 1)`."""
    named = [f"lane {lane}"] if lane else []
    named += [] if cell is None else [f"cell {cell}"]
    return f" ({', '.join(named)})" if named else ""


def _set(control: ControlClient, args: argparse.Namespace) -> int:
    body = {"value": args.value, "who": me(), "why": args.why}
    body |= {"lane": args.lane} if args.lane else {}
    body |= {} if args.cell is None else {"cell": args.cell}
    done = control.document("PUT", f"/v1/switches/{args.key}", "value", body)
    if args.json:
        print(json.dumps(done, indent=1))
        return 0
    for lane, before in done.get("befores", {done.get("lane"): done["before"]}).items():
        print(f"{done['key']}: {before} → {done['value']}{_where(lane, done.get('cell'))}")
    if "held" in done:
        print(f"it holds, and is not written yet: {done['held']}", file=sys.stderr)
    return 0


def _history(control: ControlClient, args: argparse.Namespace) -> int:
    rows = control.document("GET", "/v1/switches/history", "history")["history"]
    if args.json:
        print(json.dumps({"history": rows}, indent=1))
        return 0
    for row in rows:
        when = datetime.fromtimestamp(row["at_us"] / 1e6).astimezone().isoformat(" ", "seconds")
        where = _where(row.get("lane"), row.get("cell"))
        print(f"{when}  {row['key']}: {row['before']} → {row['after']}{where}  {row['who']}  {row['why']}".rstrip())
    if not rows:
        print("no switch was ever set")
    return 0
