"""Which stack a command means, and how addresses are printed. Shared by the commands that look at a running stack."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from harness.errors import BadInput, EnvironmentNotReady
from harness.secrets import shown
from harness.stack import Addresses, Stack, find_running, find_shared, last_stores, stores_of
from harness.stack.folder import Folder
from harness.stack.tools import ROOT
from system.contract.places import Role
from system.contract.routing import tap_path

VAR = Path("var")


def add_stack_options(parser: argparse.ArgumentParser) -> None:
    """`--stack DIR` and `--var DIR`."""
    parser.add_argument("--stack", type=Path, metavar="DIR", help="which stack, where several run")
    parser.add_argument("--var", type=Path, default=VAR, metavar="DIR", help="where stacks are kept (default: var)")


def chosen(args: argparse.Namespace) -> Stack | None:
    """The running stack that is meant; a stack that belongs to a run only where there is no other. None if none runs.

    Raises BadInput if several run and none was chosen.
    """
    if args.stack is not None:
        return Stack.attach(args.stack)
    return one_of(find_shared(args.var) or find_running(args.var))


def one_of(running: list[Path]) -> Stack | None:
    """The only stack; None of none. Raises BadInput for several."""
    if len(running) > 1:
        listed = "".join(f"\n  --stack {path}" for path in running)
        raise BadInput(f"{len(running)} stacks run; choose one with{listed}")
    return Stack.attach(running[0]) if running else None


def need(args: argparse.Namespace) -> Stack:
    """The running stack that is meant. Raises EnvironmentNotReady if none runs."""
    stack = chosen(args)
    if stack is None:
        raise EnvironmentNotReady(nothing_runs(args.var))
    return stack


def nothing_runs(var: Path) -> str:
    """The sentence for *no stack runs*: where it was looked for, and what helps."""
    where, home = var.resolve(), (ROOT / VAR).resolve()
    text = f"no stack runs under {where}"
    if where != home and find_running(home):
        return f"{text}; one does under {home}: --var {home}"
    return f"{text}; start one with: xiu up --detach, or name its place: --var DIR"


@contextmanager
def stores(args: argparse.Namespace, folder: Path | None = None) -> Iterator[Stack]:
    """The stack in `folder`, else the running one, else the last one. Of a stack that has ended, PostgreSQL and Valkey
    alone are started for as long as the block lasts.
    """
    folder = folder or args.stack
    running = chosen(args) if folder is None else Stack.attach(folder) if Folder(folder).locked else None
    if running is not None:
        yield running
        return
    with last_stores(args.var, private=True) if folder is None else stores_of(folder, private=True) as stack:
        yield stack


def add_show_secrets(parser: argparse.ArgumentParser) -> None:
    """`--show-secrets`."""
    parser.add_argument("--show-secrets", action="store_true", help="show the passwords in the stores' addresses")


def document(stack: Stack, state: dict[str, Any] | None = None, *, secrets: bool = False) -> dict[str, Any]:
    """What `--json` prints of a stack; passwords only on request. `state`: its state, if it is known already."""
    state = stack.state() if state is None else state
    kept = ("stack_id", "status", "addresses", "pids", "parts", "externals", "notes", "resources")
    data = {"folder": str(stack.folder.path), **{key: state[key] for key in kept}, "curl": curl(stack)}
    return dict(shown(data, secrets=secrets))


def curl(stack: Stack) -> str:
    """A command line that taps by hand, or the nearest request that this stack can answer."""
    fronts = stack.addresses.front_urls
    if not fronts:
        return f"curl -s {stack.addresses.toxiproxy_url}/proxies" if stack.addresses.toxiproxy_url else ""
    tap = f"{fronts[0]}{tap_path('$(xiu round open)')}"
    return f'curl -s -X POST -H "Authorization: Bearer $(xiu token 1)" {tap}'


ROLES_FIRST: tuple[tuple[Role, ...], ...] = (
    ("front",), ("control",), ("play",), ("credit",), ("valkey",), ("postgres",),
)  # fmt: skip
"""Parts are printed in this order, then the links, then these."""
ROLES_LAST: tuple[tuple[Role, ...], ...] = (
    ("stores",), ("doubles",), ("toxiproxy",), ("prometheus",), ("alertmanager",), ("playbook", "other"),
)  # fmt: skip
FIGURES_ALONE = ("credit", "stores")
"""Roles whose only address is `/metrics`: no address for a person."""


def _rows(at: Addresses, roles: tuple[Role, ...]) -> Iterator[tuple[str, str]]:
    found = [place for place in at.places if place.role in roles]
    for place in found:
        if place.url:
            yield place.name, f"{place.url}/metrics" if place.role in FIGURES_ALONE else place.url
    for place in found:
        if place.role == "front" and place.metrics_url:
            yield place.name, f"{place.metrics_url}/metrics"


def stack_lines(stack: Stack, *, secrets: bool = False) -> list[str]:
    """The lines that a person reads: every address, then a ready `curl`; passwords only on request."""
    at = stack.addresses
    rows = [row for roles in ROLES_FIRST for row in _rows(at, roles)]
    rows += at.links.items() if at.toxiproxy_url else ()
    rows += [row for roles in ROLES_LAST for row in _rows(at, roles)]
    lines = [f"stack {stack.folder.path.name} in {stack.folder.path}"]
    addresses = [f"  {name:<16} {url}" for name, url in rows]
    shown_ = list(shown(addresses, secrets=secrets))
    lines += (
        shown_ if shown_ == addresses else [*shown_, "  passwords are hidden; with them: xiu status --show-secrets"]
    )
    lines += [f"  note: {note}" for note in stack.notes]
    command = curl(stack)
    return [*lines, *(["try:", f"  {command}"] if command else [])]
