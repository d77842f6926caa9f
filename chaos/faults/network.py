"""Faults of a link: toxics on its proxy, or the proxy disabled. Refuses a proxy that was not clean before."""

from __future__ import annotations

import secrets
from dataclasses import asdict
from typing import Any

from chaos.errors import ChaosError
from chaos.toxiproxy import SafeToxiproxy, ToxicState
from harness.stack import Stack
from plans.models.fault import Fault, Toxics

MARK = "xiu-"


class NotClean(ChaosError):
    """Something is on the link already (a fault of an earlier drill, or by hand)."""


def touches(target: str) -> tuple[str, ...]:
    return ("toxiproxy",)


def api(stack: Stack, timeout_s: float = 2.0) -> SafeToxiproxy:
    """The control API of the stack's toxiproxy. Raises ChaosError if it has none."""
    url = stack.addresses.toxiproxy_url
    if url is None:
        raise ChaosError("this stack has no toxiproxy: no link can be disturbed")
    return SafeToxiproxy(url, timeout_s)


def detail(stack: Stack, fault: Fault, target: str) -> dict[str, Any]:
    proxy = api(stack).proxy(target)
    if proxy.toxics or not proxy.enabled:
        names = ", ".join(toxic.name for toxic in proxy.toxics) or "disabled"
        raise NotClean(f"{target} is not clean: {names}; take it away with: xiu heal")
    mark = MARK + secrets.token_hex(3)
    toxics = [
        ToxicState(f"{mark}-{k}", toxic.type, toxic.stream, toxic.toxicity, dict(toxic.attributes))
        for k, toxic in enumerate(fault.inject.toxics if isinstance(fault.inject, Toxics) else ())
    ]
    external = "toxiproxy" in stack.externals
    return {"link": target, "toxics": [asdict(toxic) for toxic in toxics], "external": external}


def inject(stack: Stack, detail: dict[str, Any]) -> None:
    server = api(stack)
    for toxic in _toxics(detail):
        server.add(detail["link"], toxic)
    if not detail["toxics"]:
        server.enable(detail["link"], on=False)


def momentary(detail: dict[str, Any]) -> bool:
    return False


def in_force(stack: Stack, detail: dict[str, Any]) -> bool:
    proxy = api(stack).proxy(detail["link"])
    there = {toxic.name: toxic for toxic in proxy.toxics}
    # As it was put there: one that somebody made harmless is not in force.
    same = all(toxic.name in there and _same(there[toxic.name], toxic) for toxic in _toxics(detail))
    return same and proxy.enabled if detail["toxics"] else not proxy.enabled


def undo(stack: Stack, detail: dict[str, Any]) -> None:
    server = api(stack)
    failed: list[str] = []
    for toxic in reversed(_toxics(detail)):
        try:
            server.remove(detail["link"], toxic.name)
        except ChaosError as exc:
            # One that stays must not keep the others on the link.
            failed.append(str(exc))
    if failed:
        raise ChaosError("; ".join(failed))
    if not detail["toxics"]:
        server.enable(detail["link"])


def undone(stack: Stack, detail: dict[str, Any]) -> bool:
    proxy = api(stack).proxy(detail["link"])
    there = {toxic.name for toxic in proxy.toxics}
    return proxy.enabled and not any(toxic.name in there for toxic in _toxics(detail))


def _same(there: ToxicState, meant: ToxicState) -> bool:
    kept = all(there.attributes.get(key) == value for key, value in meant.attributes.items())
    return kept and there.toxicity == meant.toxicity


def _toxics(detail: dict[str, Any]) -> list[ToxicState]:
    return [ToxicState(**toxic) for toxic in detail["toxics"]]
