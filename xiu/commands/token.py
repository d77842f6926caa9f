"""A token for calls by hand."""

from __future__ import annotations

import argparse
import json

from harness.control_client import ControlClient
from harness.errors import BadInput
from system.contract.ids import LANES
from xiu.commands import _stacks

EXAMPLE = "xiu token 1"


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("uid", metavar="UID", type=int, help="number of the user")
    parser.add_argument("--lane", choices=LANES, default="live", help="stress: also prints the tag to send with it")
    parser.add_argument("--ttl", type=int, default=7200, metavar="SECONDS", help="how long it is valid (default: 7200)")
    _stacks.add_stack_options(parser)


def run(args: argparse.Namespace) -> int:
    """Prints the token; for the stress lane also the tag, on a second line."""
    if not 0 <= args.uid < 1 << 62:
        raise BadInput(f"uid {args.uid}", expected="a number from 0 to 2^62 - 1")
    with ControlClient.of(_stacks.need(args)) as control:
        token = control.tokens(args.lane, args.uid, 1, args.ttl)[0]
        tag = control.tag("by-hand", max(1, min(args.ttl, 86_400))) if args.lane == "stress" else None
    if args.json:
        print(json.dumps({"uid": args.uid, "lane": args.lane, "token": token, "tag": tag}, indent=1))
        return 0
    print(token)
    if tag is not None:
        print(f"X-Xiu-Tag: {tag}")
    return 0
