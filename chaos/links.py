"""Links as fault kinds see them: the stack's toxiproxy, the ladder of a link, and the base of every fault made of
toxics. A proxy must be clean before; somebody else's toxiproxy is never restarted.
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
from chaos.toxiproxy import SafeToxiproxy, ToxicState
from harness.stack import Stack
from plans.models.fault import FaultSpec

MARK = "xiu-"
RESTART_S = 15.0
S = TypeVar("S", bound=FaultSpec)


class NotClean(ChaosError):
    """Something is on the link already (a fault of an earlier drill, or by hand)."""


def api(stack: Stack, timeout_s: float = 2.0) -> SafeToxiproxy:
    """The control API of the stack's toxiproxy. Raises ChaosError if it has none."""
    url = stack.addresses.toxiproxy_url
    if url is None:
        raise ChaosError("this stack has no toxiproxy: no link can be disturbed")
    return SafeToxiproxy(url, timeout_s)


class LinkKind(FaultKind[S]):
    """A fault of a link's proxy: toxics on it, or, without any, the proxy disabled."""

    def toxics(self, spec: S) -> Iterable[ToxicState]:
        """Those of this fault, the names still empty; none: the proxy is disabled."""
        return ()

    def touches(self, spec: S, target: str) -> tuple[str, ...]:
        return ("toxiproxy",)

    def part(self, detail: Detail) -> str:
        return "toxiproxy"

    def outlives(self, detail: Detail) -> bool:
        """A toxic in somebody else's toxiproxy does not go away with this stack."""
        return bool(detail.get("external"))

    def prepare(self, stack: Stack, spec: S, target: str) -> Detail:
        proxy = api(stack).proxy(target)
        if proxy.toxics or not proxy.enabled:
            names = ", ".join(toxic.name for toxic in proxy.toxics) or "disabled"
            raise NotClean(f"{target} is not clean: {names}; take it away with: xiu heal")
        mark = MARK + secrets.token_hex(3)
        named = [{**asdict(toxic), "name": f"{mark}-{k}"} for k, toxic in enumerate(self.toxics(spec))]
        return {"link": target, "toxics": named, "external": "toxiproxy" in stack.externals}

    def inject(self, stack: Stack, detail: Detail) -> None:
        server = api(stack)
        for toxic in toxics_of(detail):
            server.add(detail["link"], toxic)
        if not detail["toxics"]:
            server.enable(detail["link"], on=False)

    def in_force(self, stack: Stack, detail: Detail) -> bool:
        proxy = api(stack).proxy(detail["link"])
        there = {toxic.name: toxic for toxic in proxy.toxics}
        # Unchanged: a toxic that somebody made harmless is not in force.
        same = all(toxic.name in there and _same(there[toxic.name], toxic) for toxic in toxics_of(detail))
        return same and proxy.enabled if detail["toxics"] else not proxy.enabled

    def undo(self, stack: Stack, detail: Detail) -> None:
        server = api(stack)
        failed: list[str] = []
        for toxic in reversed(toxics_of(detail)):
            try:
                server.remove(detail["link"], toxic.name)
            except ChaosError as exc:
                # One toxic that stays must not keep the others on the link.
                failed.append(str(exc))
        if failed:
            raise ChaosError("; ".join(failed))
        if not detail["toxics"]:
            server.enable(detail["link"])

    def undone(self, stack: Stack, detail: Detail) -> bool:
        proxy = api(stack).proxy(detail["link"])
        there = {toxic.name for toxic in proxy.toxics}
        return proxy.enabled and not any(toxic.name in there for toxic in toxics_of(detail))

    def rungs(self, stack: Stack, detail: Detail) -> list[Rung]:
        """remove → reset → toggle → kill, restart, repopulate toxiproxy; of somebody else's: remove → toggle."""
        first: Rung = (FIRST_RUNG, lambda: self.undo(stack, detail))
        toggle: Rung = ("toggle", lambda: _toggle(stack, detail["link"]))
        if self.outlives(detail):
            return [first, toggle]
        reset: Rung = ("reset", lambda: api(stack).reset())
        return [first, reset, toggle, ("kill, restart, repopulate", lambda: restart_toxiproxy(stack))]


def toxics_of(detail: Detail) -> list[ToxicState]:
    """As the ledger has them."""
    return [ToxicState(**toxic) for toxic in detail["toxics"]]


def _same(there: ToxicState, meant: ToxicState) -> bool:
    kept = all(there.attributes.get(key) == value for key, value in meant.attributes.items())
    return kept and there.toxicity == meant.toxicity


def _toggle(stack: Stack, link: str) -> None:
    """Closes every connection of the link, because a toxic may hang on one."""
    server = api(stack)
    server.enable(link, on=False)
    server.enable(link)


def restart_toxiproxy(stack: Stack) -> None:
    """kill -9, start again, every proxy as the stack's configuration has it and no toxic on any. Raises ChaosError."""
    if "toxiproxy" in stack.externals:
        raise ChaosError("toxiproxy belongs to somebody: it is not killed")
    before = stack.pids().get("toxiproxy")
    if before is not None:
        stack.kill("toxiproxy", signal.SIGKILL)
    stack.resume_restart("toxiproxy")
    server = api(stack)

    def answers() -> bool:
        pid = stack.pids().get("toxiproxy")
        if pid is None or pid == before:
            return False
        try:
            return bool(server.version())
        except ChaosError:
            return False

    until(answers, RESTART_S, "toxiproxy back")
    # `-config` is read at the start; a bad file is only logged, and the server is empty.
    server.populate(configured(stack))
    if any(proxy.toxics for proxy in server.proxies().values()):
        raise ChaosError("toxics on a toxiproxy that has just started")


def configured(stack: Stack) -> dict[str, tuple[str, str]]:
    """link → (listen, upstream) of the stack's own toxiproxy."""
    path = stack.folder.config / "toxiproxy.json"
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as exc:
        raise ChaosError(f"{path}: {exc}") from exc
    return {row["name"]: (row["listen"], row["upstream"]) for row in rows}
