"""Start the system alone, to play with by hand."""

from __future__ import annotations

import argparse
import json
import sys
import threading
from pathlib import Path

from chaos import playbook
from harness.stack import PartEvent, Stack, last_stores, new_folder, raise_open_files
from system.contract.numbers import shown, whole_number
from system.contract.places import CELLS_MAX
from system.contract.routing import FRONTS_MAX
from xiu.commands import _folders, _sound, _stacks
from xiu.commands._together import refuse

EXAMPLE = "xiu up --detach"


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--detach", action="store_true", help="leave it running and return; `xiu down` stops it")
    parser.add_argument("--stores", choices=("last",), help="only PostgreSQL and Valkey, on the data of the last stack")
    parser.add_argument("--fronts", type=_fronts, metavar="N", help="front processes (default: 1)")
    parser.add_argument(
        "--cells", type=_cells, metavar="N",
        help="cells the fronts are spread over, each with its own Valkey and credit workers (default: 1)",
    )  # fmt: skip
    parser.add_argument("--no-prometheus", action="store_true", help="without Prometheus and Alertmanager")
    _folders.add(parser, "playbooks")
    _stacks.add_show_secrets(parser)
    parser.add_argument("--var", type=Path, default=_stacks.VAR, metavar="DIR", help="default: var")


def _fronts(text: str) -> int:
    return _from_one(text, FRONTS_MAX)


def _cells(text: str) -> int:
    return _from_one(text, CELLS_MAX)


def _from_one(text: str, most: int) -> int:
    count = whole_number(text, most)
    if not count:
        raise argparse.ArgumentTypeError(f"{shown(text)}: expected 1 to {most}")
    return count


def _show(event: PartEvent) -> None:
    print(event, file=sys.stderr, flush=True)


def run(args: argparse.Namespace) -> int:
    """Starts the stack, prints the addresses, and (unless detached) waits for Ctrl-C."""
    raise_open_files()
    ended = threading.Event()
    if args.stores:
        others = {
            "--fronts": args.fronts,
            "--cells": args.cells,
            "--no-prometheus": args.no_prometheus,
            "--playbooks": args.playbooks or None,
        }
        refuse(f"--stores {args.stores}", others, "the stores run alone, in as many cells as they were left in")
        stack = last_stores(args.var, detach=args.detach)
    else:
        observed = not args.no_prometheus
        if not observed:
            refuse("--no-prometheus", {"--playbooks": args.playbooks or None}, "no alert starts a playbook there")
        own = _folders.playbooks(args)  # every problem, before anything starts
        more = (playbook.part(more=own),) if observed else ()
        _sound.look()
        folder = new_folder(args.var)
        stack = Stack(
            folder,
            fronts=args.fronts or 1,
            cells=args.cells or 1,
            with_prometheus=observed,
            detach=args.detach,
            more=more,
        )
    stack.events(_show)
    # After an interruption in here nothing runs, and `main` says so: exit code 3.
    stack.start()
    if args.detach:
        stack.release()
        _tell(stack, args)
        return 0
    try:
        _tell(stack, args)
        print("Ctrl-C stops it", file=sys.stderr, flush=True)
        while not ended.wait(0.5):
            stack.check()
    except KeyboardInterrupt:
        # The ordinary way to end `xiu up`.
        return 0
    finally:
        stack.stop()
    return 0


def _tell(stack: Stack, args: argparse.Namespace) -> None:
    secrets = args.show_secrets
    if args.json:
        print(json.dumps(_stacks.document(stack, secrets=secrets), indent=1), flush=True)
    else:
        print("\n".join(_stacks.stack_lines(stack, secrets=secrets)), flush=True)
