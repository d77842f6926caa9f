"""Before the first packet: each thing that a run against one's own service needs, by name. What is broken is refused.

The allow-list is looked at first; an address that is not on it is not even looked up.
"""

from __future__ import annotations

import resource
import shutil
import socket
import ssl
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import urlsplit

from harness.errors import EnvironmentNotReady
from harness.guard.kill import REGISTER
from harness.service.order import ServiceOrder
from harness.service.prepare import connections_of
from harness.service.requests import missing, needs
from plans.models.target_service import UrlTarget
from plans.models.targets import load_targets
from system.contract.addresses import is_loopback, read_address
from system.contract.history import OP_DTYPE

TIMEOUT_S = 3.0
FILES_BESIDE, BYTES_BESIDE = 64, 64 << 20


class StartItem(NamedTuple):
    """One thing that was looked at before the start."""

    name: str
    good: bool
    says: str


def allowed(order: ServiceOrder) -> Iterator[StartItem]:
    """Every address is this host, or stands in the allow-list, within its limits. Sends nothing."""
    plan, known = order.plan, load_targets()
    for url in order.urls:
        host, entry = urlsplit(url).netloc, known.entry(url)
        if not is_loopback(url) and entry is None:
            yield StartItem("allow-list", False, f"{host} is not in plans/targets.yaml")
            continue
        yield StartItem("allow-list", True, f"{host} is " + ("loopback" if entry is None else f"allowed by {entry.id}"))
        if entry is not None:
            rate = f"{plan.most_rps:,.0f}/s at the peak, {entry.rate_max:,.0f} allowed by {entry.id}"
            yield StartItem("rate limit", plan.most_rps <= entry.rate_max, rate)
            length = f"{plan.length_s:g} s of load, {entry.duration_max:g} allowed by {entry.id}"
            yield StartItem("duration limit", plan.length_s <= entry.duration_max, length)


def ready(order: ServiceOrder) -> Iterator[StartItem]:
    """What the run needs beside permission."""
    target = order.target
    if isinstance(target, UrlTarget):
        unset = missing(needs(target), order.environment)
        yield StartItem("environment", not unset, f"not set: {', '.join(unset)}" if unset else "every name is set")
        why = _unreachable(order, target)
        yield StartItem("target", not why, why or f"{urlsplit(target.url).netloc} takes connections")
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        needed = sum(connections_of(order.plan, target)) + FILES_BESIDE
        enough = soft == resource.RLIM_INFINITY or soft >= needed
        yield StartItem("open files", enough, f"the limit is {soft:,}, {needed:,} are needed: ulimit -n {needed}")
    else:
        file = order.file(target.locustfile)
        yield StartItem("locustfile", file.is_file(), f"{file}" + ("" if file.is_file() else " is no file"))
    order.runs.mkdir(parents=True, exist_ok=True)
    space = int(order.plan.rate * order.plan.length_s * OP_DTYPE.itemsize) + BYTES_BESIDE
    free = shutil.disk_usage(order.runs).free
    yield StartItem(
        "disk", free >= space, f"{free >> 20:,} MiB free for {space >> 20:,} MiB of records in {order.runs}"
    )
    yield _kill_switch(order)


def refuse(found: list[StartItem]) -> None:
    """Raises EnvironmentNotReady that names each broken item; does nothing where all is well."""
    lines = "".join(f"\n  {one.name}: {one.says}" for one in found if not one.good)
    if lines:
        raise EnvironmentNotReady(f"the pre-check refuses the start, nothing was sent:{lines}")


def _unreachable(order: ServiceOrder, target: UrlTarget) -> str:
    """Why no connection can be made, TLS included; empty where one can."""
    address = read_address("service", target.url)
    try:
        with socket.create_connection((address.host, address.port), TIMEOUT_S) as plain:
            if address.scheme == "https":
                ca = None if target.tls is None else str(order.file(target.tls.ca))
                context = ssl.create_default_context(cafile=ca)
                with context.wrap_socket(plain, server_hostname=address.host):
                    pass
    except ssl.SSLCertVerificationError as exc:
        return f"{address.endpoint}: its certificate is not trusted: {exc.verify_message}"
    except ssl.SSLError as exc:
        return f"{address.endpoint}: TLS: {exc.reason or exc}"
    except OSError as exc:
        return f"{address.endpoint} takes no connection: {exc.strerror or type(exc).__name__}"
    return ""


def _kill_switch(order: ServiceOrder) -> StartItem:
    path = order.runs / REGISTER / ".rehearsal"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("rehearsed")
        good = path.read_text() == "rehearsed"
        path.unlink()
    except OSError as exc:
        return StartItem("kill switch", False, f"its register cannot be written: {path.parent}: {exc.strerror}")
    return StartItem("kill switch", good, "its register can be written")
