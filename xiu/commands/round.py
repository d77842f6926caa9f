"""Rounds: list, open, close, verify, set-aside, suspense, settle, programme."""

from __future__ import annotations

import argparse
import json
import sys
import time
from typing import Any

from harness.asking import answer
from harness.children import for_children
from harness.control_client import ControlClient
from harness.errors import BadInput, EnvironmentNotReady
from harness.orchestrate import closing
from harness.stack import Stack
from plans.models.quantity import duration_s
from system.contract.ids import LANES, Position
from xiu.cli import add_word
from xiu.commands import _programme, _stacks, _suspense
from xiu.commands._text import yuan

EXAMPLE = "xiu round verify 1"
READY_S, POLL_S = 15.0, 0.1


def configure(parser: argparse.ArgumentParser) -> None:
    """The sub-commands."""
    known = "list|open|close|verify|set-aside|suspense|settle|programme"
    words = parser.add_subparsers(dest="sub", required=True, metavar=known)
    show = add_word(words, "list", "rounds with their state", "xiu round list --lane live")
    show.add_argument("--lane", choices=LANES, help="default: both lanes")
    opened = add_word(words, "open", "arm a small round to try by hand; prints its number", "xiu round open --for 10m")
    opened.add_argument("--lane", choices=LANES, default="live", help="default: live")
    opened.add_argument("--packets", type=int, default=100, metavar="N", help="default: 100")
    opened.add_argument("--for", dest="lasts", default="5m", metavar="TIME", help="how long it is open (default: 5m)")
    says = (
        "end a round now, also before its end: no more awards, what was won is paid, the rest of the budget goes back"
    )
    close = add_word(words, "close", says, "xiu round close 1")
    close.add_argument("--wait", default="15s", metavar="TIME", help="how long to wait for the close (default: 15s)")
    verify = add_word(words, "verify", "recompute every amount from the revealed seed; needs no running stack", EXAMPLE)
    aside = add_word(
        words,
        "set-aside",
        "move the entry credit stopped at to suspense",
        "xiu round set-aside 1 1-17 --why 'bad disk'",
    )
    for each in (close, verify, aside):
        each.add_argument("round", metavar="ROUND", type=int, help="number of the round")
    aside.add_argument("entry", metavar="ENTRY", help="epoch-sequence, as the credit worker's log names it")
    aside.add_argument("--front", type=int, default=0, help="whose stream (default: 0)")
    aside.add_argument("--why", default="set aside by hand", help="reason, kept with the entry")
    held = add_word(words, "suspense", "money held for records that cannot be believed", _suspense.SHOW_EXAMPLE)
    says = "pay what is held to the user, or back to the sponsor, in two people's names; the round must be closed"
    settle = add_word(words, "settle", says, _suspense.SETTLE_EXAMPLE)
    _suspense.configure(held, settle)
    says = "the evening's programme: what is loaded with its states; a file's; `--load` has control play it"
    evening = add_word(words, "programme", says, _programme.EXAMPLE)
    _programme.configure(evening)
    for each in (show, opened, close, verify, aside, held, settle, evening):
        _stacks.add_stack_options(each)


def run(args: argparse.Namespace) -> int:
    """Carries out the sub-command."""
    words = {
        "list": _list, "open": _open, "close": _close, "verify": _verify, "set-aside": _set_aside,
        "suspense": _suspense.show, "settle": _suspense.settle, "programme": _programme.programme,
    }  # fmt: skip
    return words[args.sub](args)


def _list(args: argparse.Namespace) -> int:
    with ControlClient.of(_stacks.need(args)) as control:
        rounds = control.document("GET", "/v1/rounds" + (f"?lane={args.lane}" if args.lane else ""), "rounds")["rounds"]
        now_us = control.now_us()
    if args.json:
        print(json.dumps({"rounds": [{"id": item["round"], **item} for item in rounds]}, indent=1))
        return 0
    for item in rounds:
        print(
            f"{item['round']:>5}  {item['lane']:<6} {_state(item, now_us):<8} {item['packets']:>10} packets"
            f" {yuan(item['budget_fen']):>19}"
        )
    if not rounds:
        print("no round")
    return 0


def _open(args: argparse.Namespace) -> int:
    """Makes a round of one sponsor, half of its packets 0.10 yuan and half 0.30; waits until the fronts know it."""
    try:
        lasts_s = duration_s(args.lasts)
    except ValueError as exc:
        raise BadInput(f"--for: {exc}") from exc
    if args.packets < 2 or lasts_s <= 0:
        raise BadInput(f"--packets {args.packets} --for {args.lasts}", expected="at least 2 packets and some time")
    few = args.packets // 2
    sponsor = {"sponsor": 1, "name": "By hand", "classes": [[10, few], [30, args.packets - few]]}
    order = {"lane": args.lane, "sponsors": [sponsor], "starts_in_ms": 0, "duration_ms": round(lasts_s * 1000)}
    with ControlClient.of(_stacks.need(args)) as control:
        number = int(control.document("POST", "/v1/rounds", "round", order)["round"])
        deadline = time.monotonic() + READY_S
        while not _known(control.document("GET", "/v1/fronts", "fronts")["fronts"], number):
            if time.monotonic() > deadline:
                raise EnvironmentNotReady(f"round {number} is armed, but not every front serves it after {READY_S:g} s")
            time.sleep(POLL_S)
    if args.json:
        print(json.dumps({"round": number, "lane": args.lane, "packets": args.packets, "duration_s": lasts_s}))
    else:
        print(number)
    return 0


def _close(args: argparse.Namespace) -> int:
    """Asks for the close and waits for it. If the wait ends first, prints what the close still waits for; exit code 5.
    The close goes on by itself.
    """
    try:
        wait_s = duration_s(args.wait)
    except ValueError as exc:
        raise BadInput(f"--wait: {exc}") from exc
    with ControlClient.of(_stacks.need(args)) as control:
        control.ask_close(args.round, before_end=True)
        # The close goes on by itself, whatever control answers meanwhile; this command only looks.
        closing.close(control, args.round, wait_s, ask=lambda: None)
        money = control.money(args.round)
    if args.json:
        print(money.model_dump_json(indent=1))
    elif money.state == "closed":
        print(f"round {args.round}: closed; {money.postings} wins paid, {yuan(money.refunded_fen)} went back")
    if money.state == "closed":
        return 0
    what = "; ".join(money.waiting_for) or "nothing that control knows of yet"
    raise EnvironmentNotReady(f"round {args.round} is closing, and goes on by itself; it waits for {what}")


def _known(fronts: list[dict[str, Any]], number: int) -> bool:
    return all(any(one["round"] == number and one["ready"] for one in front["streams"]) for front in fronts)


def _state(item: dict[str, object], now_us: int) -> str:
    start, end = item["start_us"], item["end_us"]
    assert isinstance(start, int)
    assert isinstance(end, int)
    if item["state"] == "armed" and now_us >= start:
        return "open" if now_us < end else "over"
    return str(item["state"])


def _verify(args: argparse.Namespace) -> int:
    with _stacks.stores(args) as stack:
        return _ask(stack, args)


def _ask(stack: Stack, args: argparse.Namespace) -> int:
    """The audit's process reads the ledger: the harness has no query and no key for it."""
    key = str(stack.folder.secret / "key")
    env = for_children({"XIU_POSTGRES_URL": stack.addresses.postgres_url, "XIU_SECRET_FILE": key})
    command = ["system.audit.verify", "--round", str(args.round)]
    done = answer(command + (["--json"] if args.json else []), env, "the audit")
    text = done.stdout.strip()
    if done.returncode in (0, 99):
        print(text)
        return done.returncode
    if done.returncode not in (2, 5) or args.verbose:
        print(done.stderr, file=sys.stderr, end="")
    if args.json and done.returncode in (2, 5):
        text = str(json.loads(text)["error"]["message"])
    if done.returncode == 2:
        raise BadInput(text)
    raise EnvironmentNotReady(text or f"the audit ended with code {done.returncode}")


def _set_aside(args: argparse.Namespace) -> int:
    try:
        at = Position.parse(args.entry)
    except ValueError as exc:
        raise BadInput(f"entry {args.entry}", expected="epoch-sequence, such as 1-17") from exc
    body = {"front": args.front, "epoch": at.epoch, "sequence": at.sequence, "why": args.why}
    with ControlClient.of(_stacks.need(args)) as control:
        done = control.document("POST", f"/v1/rounds/{args.round}/set-aside", "entry", body)
    if args.json:
        print(json.dumps(done, indent=1))
        return 0
    found = f"{done['records']} records, {done['held']} of them held" if done["found"] else "not in the stream"
    print(f"round {args.round}, entry {done['entry']}: {found}; {done['held_fen']} fen in suspense")
    return 0
