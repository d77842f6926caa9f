"""Before the first packet: the guard and the pre-check of every plan, and beside them what a run against one's own
service needs alone. What is broken is refused by name.

The allow-list is looked at first; an address that is not on it is not even looked up.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

from harness.engine.schedule import pieces_of, steepest
from harness.guard.kill import REGISTER
from harness.guard.precheck import GUARD, ITEMS, Checked, LoadRequest, precheck
from harness.guard.precheck.approval import missing_name
from harness.guard.precheck.limit import of_the_load
from harness.guard.precheck.shape import checked
from harness.service.order import ServiceOrder
from harness.service.prepare import connections_of, users_of
from harness.service.requests import missing, needs
from harness.who import me
from plans.models.service import ServicePlan
from plans.models.target_service import UrlTarget
from plans.models.targets import TargetSystem, load_targets
from system.contract.addresses import read_address

TIMEOUT_S = 3.0
LATER = tuple(item for item in ITEMS if item not in GUARD)


def load_of(order: ServiceOrder, check_lock: Callable[[], str] | None = None) -> LoadRequest:
    """The order as the question that guard and pre-check answer."""
    plan, target = order.plan, order.target
    users = sum(connections_of(plan, target)) if isinstance(target, UrlTarget) else users_of(plan, target)
    return LoadRequest(
        allowed=load_targets(),
        peak_rps=plan.most_rps,
        step_rps=_step_rps(plan),
        duration_s=plan.length_s,
        taps=plan.most_rps * plan.length_s,
        users=users,
        connections=users,
        runs=order.runs,
        register=order.runs / REGISTER,
        started_by=me(),
        approved_by=order.approved_by,
        rules=plan.stop,
        check_lock=check_lock,
        urls=order.urls,
        named_at={url: order.at(*keys) for url, keys in order.named.items()},
    )


def _step_rps(plan: ServicePlan) -> float:
    """By how much the rate rises within a second at most; a closed loop beside it begins at once."""
    return steepest(pieces_of(plan.segments())) + (plan.most_rps / 2 if plan.closed_loop is not None else 0.0)


def allowed(ask: LoadRequest) -> list[Checked]:
    """Every address is this host, or stands in the allow-list, within its limits. Asks the service nothing."""
    return precheck(ask, GUARD)


def ready(order: ServiceOrder, ask: LoadRequest) -> list[Checked]:
    """What the run needs beside permission."""
    return [*precheck(ask, LATER), *_own(order)]


def _own(order: ServiceOrder) -> Iterator[Checked]:
    """Items of one's own service: they have no number, because no other plan has them."""
    target = order.target
    if not isinstance(target, UrlTarget):
        file = order.file(target.locustfile)
        says = f"{file}" + ("" if file.is_file() else " is no file")
        yield _item("locustfile", file.is_file(), says, order.at("target", "locustfile"))
        return
    unset = missing(needs(target), order.environment)
    says = f"not set: {', '.join(unset)}" if unset else "every name is set"
    yield _item("environment", not unset, says, order.at("target"))
    why = _unreachable(order, target)
    says = why or f"{urlsplit(target.url).netloc} takes connections"
    yield _item("service", not why, says, order.at("target", "url"))


BROKEN = {
    "locustfile": "there are no tasks to run",
    "environment": "a variable that the plan names is not set",
    "service": "the service cannot be reached",
}


def _item(name: str, good: bool, says: str, place: str) -> Checked:
    state = checked(good, says if good else place + says).state
    return Checked(state, says if good else place + says, item=name, broken=BROKEN[name])


def refusals(ask: LoadRequest) -> dict[str, str]:
    """Entry of the allow-list → why this load may not go there, empty where it may. For a locustfile, whose tasks name
    their hosts when they send. Asks nobody: what the public needs is looked at for a host that the plan names alone.
    """
    named = {entry.id for entry in ask.entries()}
    return {entry.id: _refusal(ask, entry, entry.id in named) for entry in ask.allowed.targets}


def _refusal(ask: LoadRequest, entry: TargetSystem, named: bool) -> str:
    says = next((one.says for one in of_the_load(ask, entry) if one.state == "refused"), "")
    says = says or missing_name(ask, [entry])
    if not says and entry.live_headroom is not None and not named:
        says = f"{entry.at('live_headroom')}what the public needs is looked at for the `host` of the plan alone"
    return says


def _unreachable(order: ServiceOrder, target: UrlTarget) -> str:
    """Why no connection can be made, TLS included; empty where one can."""
    address = read_address("service", target.url)
    what = "takes no connection"
    try:
        with socket.create_connection((address.host, address.port), TIMEOUT_S) as plain:
            if address.scheme == "https":
                what = "takes connections, and does not answer as TLS begins"
                ca = None if target.tls is None else str(order.file(target.tls.ca))
                context = ssl.create_default_context(cafile=ca)
                with context.wrap_socket(plain, server_hostname=address.host):
                    pass
    except ssl.SSLCertVerificationError as exc:
        return f"{address.endpoint}: its certificate is not trusted: {exc.verify_message}"
    except ssl.SSLError as exc:
        return f"{address.endpoint}: TLS: {exc.reason or exc}"
    except OSError as exc:
        why = f"nothing within {TIMEOUT_S:g} s" if isinstance(exc, TimeoutError) else exc.strerror or str(exc)
        return f"{address.endpoint} {what}: {why or type(exc).__name__}"
    return ""
