"""`xiu round suspense` and `xiu round settle`: money held in suspense, shown and settled. Asks play."""

from __future__ import annotations

import argparse
from typing import Any

from harness.control_client import ControlClient
from harness.errors import BadInput, EnvironmentNotReady
from system.contract.ids import LANES, award_id, parse_award_id
from xiu.commands import _stacks
from xiu.commands._text import emit, yuan

SHOW_EXAMPLE = "xiu round suspense 3"
SETTLE_EXAMPLE = "xiu round settle 3-77 --to user --by Ann --approved-by Bo --why 'the tap is in the history'"
PAGE = 200


def configure(show: argparse.ArgumentParser, settle: argparse.ArgumentParser) -> None:
    """The options of both words."""
    show.add_argument("round", metavar="ROUND", type=int, help="number of the round")
    settle.add_argument("award", metavar="AWARD", help="the award held, as `xiu round suspense` names it: 3-77")
    settle.add_argument("--to", choices=("user", "sponsor"), required=True, help="who gets the money")
    settle.add_argument("--by", required=True, metavar="NAME", help="who orders it")
    settle.add_argument("--approved-by", required=True, metavar="NAME", help="who approves it: another name")
    settle.add_argument("--why", required=True, help="reason, kept with the transfer")
    for each in (show, settle):
        each.add_argument("--lane", choices=LANES, default="live", help="default: live")


def show(args: argparse.Namespace) -> int:
    """What is held of the round."""
    with ControlClient.of(_stacks.need(args)) as control:
        held = _held(control, args.round, args.lane)
    if args.json:
        emit({"round": args.round, "lane": args.lane, "held": held})
        return 0
    for one in held:
        whose = "no user" if one["uid"] is None else f"user {one['uid']}"
        state = "held" if one["settled"] is None else f"settled: to its {one['settled']}"
        print(f"{one['award']:>10}  {whose:<14} {yuan(one['fen']):>14} of sponsor {one['sponsor']}  {state}")
        print(f"            entry {one['entry']} of front {one['front']}: {one['reason']}")
    if not held:
        print(f"round {args.round}: nothing is held in suspense")
    return 0


def _held(control: ControlClient, number: int, lane: str) -> list[dict[str, Any]]:
    """Every packet held, over all pages."""
    found: list[dict[str, Any]] = []
    path: str | None = f"/v1/rounds/{number}/suspense?lane={lane}&limit={PAGE}"
    while path is not None:
        page = control.at_play("GET", path).json()
        found += page["held"]
        after = page["next"]
        path = None if after is None else f"/v1/rounds/{number}/suspense?lane={lane}&limit={PAGE}&after={after}"
    return found


def settle(args: argparse.Namespace) -> int:
    """Settles one award. Its COMMIT unanswered: exit code 5, and the same command again says more."""
    try:
        award = award_id(*parse_award_id(args.award))
    except ValueError as exc:
        raise BadInput(f"award {args.award}", expected="round-packet, such as 3-77") from exc
    body = {"lane": args.lane, "to": args.to, "by": args.by, "approved_by": args.approved_by, "why": args.why}
    with ControlClient.of(_stacks.need(args)) as control:
        done = control.at_play("POST", f"/v1/suspense/{award}/settle", body).json()
    if done["state"] == "pending":
        raise EnvironmentNotReady(f"award {award}: unknown whether it is settled; the same command again says more")
    if args.json:
        emit(done)
        return 0
    (paid,) = [leg for leg in done["legs"] if leg["amount"] > 0]
    again = ", as it was before" if done["again"] else ""
    print(f"award {award}: {yuan(paid['amount'])} to {paid['account']}, transfer {done['transfer']}{again}")
    return 0
