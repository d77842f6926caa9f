"""Which Prometheus a command means. Shared by the commands that ask one."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from harness.errors import BadInput, EnvironmentNotReady
from harness.secrets import hidden
from harness.stack import last_folder
from harness.stack.past import past_prometheus
from xiu.commands import _stacks


@contextmanager
def prometheus_url(args: argparse.Namespace) -> Iterator[str]:
    """The Prometheus to ask: the one named, else the running stack's, else one on the last stack's data.

    Raises EnvironmentNotReady if there is none.
    """
    if args.prometheus is not None:
        yield named(args)
        return
    stack = _stacks.chosen(args)
    last = last_folder(args.var)
    if stack is None and last is not None:
        with past_prometheus(last) as url:
            yield url
        return
    stack = stack or _stacks.need(args)
    if not stack.addresses.prometheus_url:
        raise EnvironmentNotReady("the running stack has no Prometheus; `xiu doctor` names the command that brings it")
    yield stack.addresses.prometheus_url


def named(args: argparse.Namespace) -> str:
    """The address given by hand. Raises BadInput for what is no address, because Grafana would store it."""
    if not is_address(args.prometheus):
        raise BadInput(f"--prometheus {hidden(args.prometheus)}", expected="an address, as http://127.0.0.1:9090")
    return str(args.prometheus)


def is_address(url: str) -> bool:
    """Is it the address of a service by HTTP?"""
    try:
        parts = urlsplit(url)
        plain = not parts.query and not parts.fragment and not any(map(str.isspace, url))
        return plain and parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
