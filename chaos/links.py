"""Links as fault kinds see them: the stack's toxiproxies, the ladder of a link, and the base of every fault made of
toxics. A link of the edge has a proxy for each of its ends; a fault of it is on all of them. A proxy must be clean
before; somebody else's toxiproxy is never restarted.
"""

from __future__ import annotations

import json
import secrets
import signal
from collections.abc import Iterable
from dataclasses import asdict
from typing import TypeVar

from chaos.errors import ChaosError
from chaos.kinds import FIRST_RUNG, Detail, FaultKind, Rung, until
from chaos.toxiproxy import ProxyState, SafeToxiproxy, ToxicState
from harness.stack import Stack
from plans.models.fault import FaultSpec
from system.contract import links
from system.contract.links import TO_TARGETS, proxy_of
from system.contract.places import EDGE, alone

PLAIN = alone("toxiproxy").name
MARK = "xiu-"
RESTART_S = 15.0
_OF_THE_EDGE = frozenset(link.id for link in links.EDGE)
S = TypeVar("S", bound=FaultSpec)


class NotClean(ChaosError):
    """Something is on the link already (a fault of an earlier drill, or by hand)."""


def api(stack: Stack, part: str = PLAIN, timeout_s: float = 2.0) -> SafeToxiproxy:
    """The control API of the stack's toxiproxy, or of its second one. Raises ChaosError if it has none."""
    place = stack.places.find(part)
    if place is None or place.url is None:
        raise ChaosError(f"this stack has no {part}: no link can be disturbed")
    return SafeToxiproxy(place.url, timeout_s)


def proxied_by(link: str) -> str:
    """Name of the part whose proxies a link has."""
    return EDGE if link in _OF_THE_EDGE else PLAIN


def proxies_of(stack: Stack, link: str) -> list[str]:
    """Names of a link's proxies: its own, or one for each end of a link of the edge."""
    if link not in _OF_THE_EDGE:
        return [link]
    return [proxy_of(link, part) for part in stack.addresses.edge.get(link, ())]


class LinkKind(FaultKind[S]):
    """A fault of a link's proxy: toxics on it, or, without any, the proxy disabled."""

    def toxics(self, spec: S) -> Iterable[ToxicState]:
        """Those of this fault, the names still empty; none: the proxy is disabled."""
        return ()

    def touches(self, spec: S, target: str) -> tuple[str, ...]:
        return (proxied_by(target),)

    def lacks(self, stack: Stack, spec: S, target: str) -> str | None:
        if proxied_by(target) == PLAIN or target in stack.addresses.edge:
            return None
        what = "Prometheus of its own" if target == TO_TARGETS and EDGE in stack.state()["parts"] else EDGE
        return f"this stack has no {what}, and {target} no proxy"

    def part(self, detail: Detail) -> str:
        return proxied_by(detail["link"])

    def outlives(self, detail: Detail) -> bool:
        """A toxic in somebody else's toxiproxy does not go away with this stack."""
        return bool(detail.get("external"))

    def prepare(self, stack: Stack, spec: S, target: str) -> Detail:
        names = proxies_of(stack, target)
        server = api(stack, proxied_by(target))
        for proxy in (server.proxy(name) for name in names):
            if proxy.toxics or not proxy.enabled:
                toxics = ", ".join(toxic.name for toxic in proxy.toxics) or "disabled"
                raise NotClean(f"{proxy.name} is not clean: {toxics}; take it away with: xiu heal")
        mark = MARK + secrets.token_hex(3)
        named = [{**asdict(toxic), "name": f"{mark}-{k}"} for k, toxic in enumerate(self.toxics(spec))]
        external = proxied_by(target) in stack.externals
        return {"link": target, "proxies": names, "toxics": named, "external": external}

    def inject(self, stack: Stack, detail: Detail) -> None:
        server = _server(stack, detail)
        for name in _names(detail):
            for toxic in toxics_of(detail):
                server.add(name, toxic)
            if not detail["toxics"]:
                server.enable(name, on=False)

    def in_force(self, stack: Stack, detail: Detail) -> bool:
        return all(_in_force(proxy, detail) for proxy in _proxies(stack, detail))

    def undo(self, stack: Stack, detail: Detail) -> None:
        if self._rests(stack, detail):
            return
        server = _server(stack, detail)
        failed: list[str] = []
        for name in _names(detail):
            for toxic in reversed(toxics_of(detail)):
                try:
                    server.remove(name, toxic.name)
                except ChaosError as exc:
                    # One toxic that stays must not keep the others on the link.
                    failed.append(str(exc))
        if failed:
            raise ChaosError("; ".join(failed))
        if not detail["toxics"]:
            for name in _names(detail):
                server.enable(name)

    def _rests(self, stack: Stack, detail: Detail) -> bool:
        """Has the second toxiproxy ended, and the fault with it?"""
        return self.part(detail) == EDGE and stack.state()["parts"].get(EDGE) == "resting"

    def undone(self, stack: Stack, detail: Detail) -> bool:
        if self._rests(stack, detail):
            return True
        mine = {toxic.name for toxic in toxics_of(detail)}
        proxies = _proxies(stack, detail)
        return all(proxy.enabled and not mine & {toxic.name for toxic in proxy.toxics} for proxy in proxies)

    def rungs(self, stack: Stack, detail: Detail) -> list[Rung]:
        """remove → reset → toggle → kill, restart, repopulate toxiproxy; of somebody else's: remove → toggle."""
        first: Rung = (FIRST_RUNG, lambda: self.undo(stack, detail))
        part = self.part(detail)
        toggle: Rung = ("toggle", lambda: _toggle(stack, detail))
        if self.outlives(detail):
            return [first, toggle]
        reset: Rung = ("reset", lambda: api(stack, part).reset())
        return [first, reset, toggle, ("kill, restart, repopulate", lambda: restart_toxiproxy(stack, part))]


def toxics_of(detail: Detail) -> list[ToxicState]:
    """As the ledger has them."""
    return [ToxicState(**toxic) for toxic in detail["toxics"]]


def _same(there: ToxicState, meant: ToxicState) -> bool:
    kept = all(there.attributes.get(key) == value for key, value in meant.attributes.items())
    return kept and there.toxicity == meant.toxicity


def _names(detail: Detail) -> list[str]:
    """Its proxies; a ledger from before a link could have several has the link alone."""
    return list(detail.get("proxies") or [detail["link"]])


def _server(stack: Stack, detail: Detail) -> SafeToxiproxy:
    return api(stack, proxied_by(detail["link"]))


def _proxies(stack: Stack, detail: Detail) -> list[ProxyState]:
    server = _server(stack, detail)
    return [server.proxy(name) for name in _names(detail)]


def _in_force(proxy: ProxyState, detail: Detail) -> bool:
    """Unchanged: a toxic that somebody made harmless is not in force."""
    there = {toxic.name: toxic for toxic in proxy.toxics}
    same = all(toxic.name in there and _same(there[toxic.name], toxic) for toxic in toxics_of(detail))
    return same and proxy.enabled if detail["toxics"] else not proxy.enabled


def _toggle(stack: Stack, detail: Detail) -> None:
    """Closes every connection of the link, because a toxic may hang on one."""
    server = _server(stack, detail)
    for name in _names(detail):
        server.enable(name, on=False)
        server.enable(name)


def restart_toxiproxy(stack: Stack, part: str = PLAIN) -> None:
    """kill -9, start again, every proxy as the stack's configuration has it and no toxic on any. Raises ChaosError."""
    if part in stack.externals:
        raise ChaosError(f"{part} belongs to somebody: it is not killed")
    before = stack.pids().get(part)
    if before is not None:
        stack.kill(part, signal.SIGKILL)
    stack.resume_restart(part)
    server = api(stack, part)

    def answers() -> bool:
        pid = stack.pids().get(part)
        if pid is None or pid == before:
            return False
        try:
            return bool(server.version())
        except ChaosError:
            return False

    until(answers, RESTART_S, f"{part} back")
    # `-config` is read at the start; a bad file is only logged, and the server is empty.
    server.populate(configured(stack, part))
    if any(proxy.toxics for proxy in server.proxies().values()):
        raise ChaosError(f"toxics on a {part} that has just started")


def configured(stack: Stack, part: str = PLAIN) -> dict[str, tuple[str, str]]:
    """proxy → (listen, upstream) of a toxiproxy of the stack's own."""
    path = stack.folder.config / f"{part}.json"
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as exc:
        raise ChaosError(f"{path}: {exc}") from exc
    return {row["name"]: (row["listen"], row["upstream"]) for row in rows}
