"""Takes back every fault that a stack's ledger says is injected: in reverse order, up a ladder, each rung written down.

A link: remove → reset → toggle → kill, restart, repopulate toxiproxy. A process: what its injector undoes → restart.
Works from the ledger alone, so also after a crash, and whoever injected it is dead. Refuses to restart what is
somebody's.
"""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Collection
from pathlib import Path
from urllib.parse import urlsplit

from chaos import fault_ledger
from chaos.errors import ChaosError, NotHealed
from chaos.fault_ledger import Injected, injected
from chaos.faults import WAYS, network
from chaos.probes import part_ready
from harness.errors import EnvironmentNotReady, HarnessError
from harness.stack import Stack, find_running
from harness.stack.folder import Folder

POLL_S = 0.05
READY_S = 8.0
RESTART_S = 15.0
FIRST_RUNG = "remove"

Rung = tuple[str, Callable[[], None]]


def heal(folder: Path, keys: Collection[str] | None = None) -> list[str]:
    """Heals what is injected in a stack's folder (of these ledger keys alone, if given); a line for each rung.

    Empty where nothing was injected. Raises NotHealed, after everything was tried, with what is left.
    """
    lines: list[str] = []
    left: list[str] = []
    with fault_ledger.healing(folder):
        for one in reversed(injected(folder)):
            if keys is not None and one.key not in keys:
                continue
            if not _climb(folder, one, lines):
                left.append(f"{one.fault} on {one.target}")
    if left:
        raise NotHealed("not healed: " + ", ".join(left) + "".join(f"\n  {line}" for line in lines))
    return lines


def climbed(lines: list[str]) -> bool:
    """Did a first rung fail? Then the tool misbehaved, even if all is healed now."""
    return any(" failed: " in line for line in lines)


def _climb(folder: Path, one: Injected, lines: list[str]) -> bool:
    def say(text: str) -> None:
        line = f"{one.fault} on {one.target}: {text}"
        lines.append(line)
        fault_ledger.rung(folder, one.key, text)

    if not Folder(folder).locked and not _outlives(one):
        say("the stack is gone, and the fault with it")
        fault_ledger.close(folder, one.key, "stack gone")
        return True
    try:
        stack = _attached(folder, one)
    except HarnessError as exc:
        say(f"failed: {exc}")
        return False
    if not _outlives(one) and _part(one) not in stack.folder.read_state()["parts"]:
        say("its part is gone, and the fault with it: only stores run here")
        fault_ledger.close(folder, one.key, "part gone")
        return True
    for name, climb in _rungs(stack, one):
        began = time.monotonic()
        try:
            climb()
            if not WAYS[one.kind].undone(stack, one.detail):
                raise ChaosError("something of it is still there")
        except HarnessError as exc:
            say(f"{name} failed: {str(exc).splitlines()[0]}")
            continue
        say(f"{name} held, after {time.monotonic() - began:.2f} s")
        fault_ledger.close(folder, one.key, name)
        return True
    return False


def _part(one: Injected) -> str:
    """The part that has to run for the fault to be there."""
    return {"signal": str(one.detail.get("part")), "flush": "valkey"}.get(one.kind, "toxiproxy")


def _outlives(one: Injected) -> bool:
    """A toxic in somebody's toxiproxy does not go away with our stack."""
    return bool(one.detail.get("external"))


def _attached(folder: Path, one: Injected) -> Stack:
    return Stack(folder) if _outlives(one) else Stack.attach(folder)


def _rungs(stack: Stack, one: Injected) -> list[Rung]:
    way, detail = WAYS[one.kind], one.detail
    first: Rung = (FIRST_RUNG, lambda: way.undo(stack, detail))
    if one.kind in ("toxics", "refuse"):
        toggle: Rung = ("toggle", lambda: _toggle(stack, detail["link"]))
        if _outlives(one):
            return [first, toggle]
        reset: Rung = ("reset", lambda: network.api(stack).reset())
        return [first, reset, toggle, ("kill, restart, repopulate", lambda: restart_toxiproxy(stack))]
    if one.kind == "signal":
        part = str(detail["part"])
        return [
            ("start again", lambda: _run_again(stack, one, part)),
            ("restart", lambda: _restart_part(stack, part)),
        ]
    return [first]


def _toggle(stack: Stack, link: str) -> None:
    """Closes every connection of the link; toxics that hang on one may let go."""
    server = network.api(stack)
    server.enable(link, on=False)
    server.enable(link)


def _run_again(stack: Stack, one: Injected, part: str) -> None:
    WAYS[one.kind].undo(stack, one.detail)
    _until(lambda: WAYS[one.kind].undone(stack, one.detail) and part_ready(stack, part), READY_S, f"{part} ready")


def _restart_part(stack: Stack, part: str) -> None:
    stack.restart(part)
    _until(lambda: part_ready(stack, part), READY_S, f"{part} ready")


def restart_toxiproxy(stack: Stack) -> None:
    """kill -9, start again, every proxy as the stack's configuration has it and no toxic on any. Raises ChaosError."""
    if "toxiproxy" in stack.externals:
        raise ChaosError("toxiproxy belongs to somebody: it is not killed")
    before = stack.pids().get("toxiproxy")
    if before is not None:
        stack.kill("toxiproxy", signal.SIGKILL)
    stack.resume_restart("toxiproxy")
    server = network.api(stack)

    def answers() -> bool:
        pid = stack.pids().get("toxiproxy")
        if pid is None or pid == before:
            return False
        try:
            return bool(server.version())
        except ChaosError:
            return False

    _until(answers, RESTART_S, "toxiproxy back")
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


def strays(stack: Stack) -> list[str]:
    """What is on the stack's proxies and in no ledger: left by hand, or by a drill of before the ledger."""
    if stack.addresses.toxiproxy_url is None or urlsplit(stack.addresses.toxiproxy_url).port is None:
        return []
    known = {toxic["name"] for one in injected(stack.folder.path) for toxic in one.detail.get("toxics", ())}
    refused = {one.detail["link"] for one in injected(stack.folder.path) if one.kind == "refuse"}
    found = []
    for name, proxy in network.api(stack).proxies().items():
        found += [f"{name}: {toxic.name}" for toxic in proxy.toxics if toxic.name not in known]
        found += [f"{name}: disabled"] if not proxy.enabled and name not in refused else []
    return found


def heal_strays(stack: Stack) -> list[str]:
    """Takes away what no ledger knows, on a toxiproxy of the stack's own; a line each. Raises ChaosError."""
    try:
        found = strays(stack)
    except ChaosError as exc:
        if "toxiproxy" in stack.externals:
            raise
        restart_toxiproxy(stack)
        return [f"{exc}: killed, restarted, repopulated"]
    if found and "toxiproxy" not in stack.externals:
        try:
            network.api(stack).reset()
        except ChaosError:
            restart_toxiproxy(stack)
        return [f"{one}: in no ledger; reset" for one in found]
    return [f"{one}: in no ledger, and toxiproxy is somebody's: left alone" for one in found]


def heal_everything(var: Path) -> tuple[list[str], list[str]]:
    """Every ledger under `var`, and what is on running proxies in no ledger: (what was done, what is left)."""
    lines: list[str] = []
    left: list[str] = []
    for folder in sorted(path.parent for path in var.glob(f"*/{fault_ledger.FILE}") if not path.parent.is_symlink()):
        try:
            lines += heal(folder)
            lines += [f"{folder / fault_ledger.FILE}:{number}: cannot be read; what it was about is looked for below"
                      for number in fault_ledger.unreadable(folder)]  # fmt: skip
        except (HarnessError, OSError) as exc:
            left += str(exc).splitlines()
    for folder in find_running(var):
        try:
            stack = Stack.attach(folder)
        except EnvironmentNotReady as exc:
            lines.append(f"{folder.name}: {exc}: its links were not looked at")
            continue
        try:
            lines += heal_strays(stack)
        except (HarnessError, OSError) as exc:
            left.append(f"{folder.name}: {exc}")
    return lines, left


def _until(done: Callable[[], bool], deadline_s: float, what: str) -> None:
    until = time.monotonic() + deadline_s
    while not done():
        if time.monotonic() > until:
            raise ChaosError(f"{what}: not within {deadline_s:g} s")
        time.sleep(POLL_S)
