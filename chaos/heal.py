"""Takes back every fault that a stack's ledger says is injected: in reverse order, up a ladder, each rung written down.

The ladder belongs to the kind (`FaultKind.rungs`). A rung heals its own fault alone: what a higher one (a whole reset)
took of others is named, and put back where it is not to be healed as well. Works from the ledger alone, so also after a
crash, when the process that injected is dead. A fault of a kind that this version does not know is not healed, and is
reported.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from chaos import fault_ledger
from chaos.detour import led, to_heal
from chaos.errors import ChaosError, NotHealed
from chaos.fault_ledger import Injected, injected
from chaos.kinds import FaultKind
from chaos.links import PLAIN, LinkKind, api, restart_toxiproxy
from harness.errors import EnvironmentNotReady, HarnessError
from harness.stack import Stack, find_running
from harness.stack.folder import Folder
from system.contract.places import EDGE


class HealLine(str):
    """What was done about one fault, in words. `failed`: what was tried did not take it back."""

    failed: bool

    __slots__ = ("failed",)


def _line(text: str, *, failed: bool = False) -> HealLine:
    line = HealLine(text)
    line.failed = failed
    return line


def heal(
    folder: Path, keys: Collection[str] | None = None, patience_s: float = fault_ledger.PATIENCE_S
) -> list[HealLine]:
    """Heals what is injected in a stack's folder (of these ledger keys alone, if given); a line for each rung.

    Empty where nothing was injected. Healing needs no disk: what cannot be written down is printed, and the fault stays
    in the ledger until it can be. Raises NotHealed, after everything was tried, with what is left.
    """
    lines: list[HealLine] = []
    left: list[str] = []
    with fault_ledger.healing(folder, patience_s) as word:
        mine = [one for one in reversed(injected(folder)) if (one.key in keys if keys is not None else not led(one))]
        lines += [_line(word)] if word and mine else []
        healed_too = {one.key for one in mine}
        for one in mine:
            climb = _Climb(folder, one, lines, healed_too)
            try:
                healed = climb.to_the_top()
            except Exception as exc:
                # Whatever was raised, the next fault is tried as well.
                climb.fail(f"{type(exc).__name__}: {str(exc).splitlines()[0] if str(exc) else ''}")
                healed = False
            left += [] if healed else [f"{one.fault} on {one.target}"]
    if left:
        raise NotHealed("not healed: " + ", ".join(left) + "".join(f"\n  {line}" for line in lines))
    return lines


def failure(lines: Iterable[HealLine]) -> HealLine | None:
    """The first rung that failed: then the tool misbehaved, even if all is healed now."""
    return next((line for line in lines if line.failed), None)


class _Climb:
    """One fault up its ladder. Acts first; writes down afterwards what it did, if that is possible. `healed_too`: keys
    of the faults that are to be healed with it.
    """

    def __init__(self, folder: Path, one: Injected, lines: list[HealLine], healed_too: Collection[str]) -> None:
        self._folder, self._one, self._lines, self._healed_too = folder, one, lines, healed_too

    def fail(self, why: str, rung: str = "") -> None:
        """A rung that did not take it back; no rung: none could be tried."""
        self.say(f"{rung} failed: {why}".lstrip(), failed=True)

    def say(self, text: str, *, failed: bool = False) -> None:
        """A rung, in words and in the ledger."""
        one = self._one
        self._lines.append(_line(f"{one.fault} on {one.target}: {text}", failed=failed))
        try:
            fault_ledger.rung(self._folder, one.key, text)
        except OSError as exc:
            self._unwritten(exc)

    def to_the_top(self) -> bool:
        """Is it taken back?"""
        folder, one = self._folder, self._one
        kind = to_heal(one.kind, one.home)
        if kind is None:
            self.fail(f"no kind of fault `{one.kind}` is known here")
            return False
        outlives = kind.outlives(one.detail)
        if not Folder(folder).locked and not outlives:
            return self._over("the stack is gone, and the fault with it", "stack gone")
        try:
            stack = _attached(folder, outlives=outlives)
        except HarnessError as exc:
            self.fail(str(exc))
            return False
        if not outlives and kind.part(one.detail) not in stack.state()["parts"]:
            return self._over("its part is gone, and the fault with it: only stores run here", "part gone")
        for number, (name, climb) in enumerate(kind.rungs(stack, one.detail)):
            began = time.monotonic()
            # The first rung takes back what was injected, and nothing else.
            others = list(self._in_force(stack, kind)) if number else []
            try:
                climb()
                if not kind.undone(stack, one.detail):
                    raise ChaosError("something of it is still there")
            except Exception as exc:
                # Somebody else's process, no descriptor left, a bug: after each of them the next rung is tried.
                self.fail(str(exc).splitlines()[0] if str(exc) else type(exc).__name__, name)
                continue
            finally:
                for other, its_kind in others:
                    self._put_back(stack, name, other, its_kind)
            return self._over(f"{name} held, after {time.monotonic() - began:.2f} s", name)
        return False

    def _in_force(self, stack: Stack, mine: FaultKind[Any]) -> Iterator[tuple[Injected, FaultKind[Any]]]:
        """Other faults on the same part that are there now, as far as it can be told."""
        for other in injected(self._folder):
            kind = None if other.key == self._one.key else to_heal(other.kind, other.home)
            with suppress(Exception):
                same_part = kind is not None and kind.part(other.detail) == mine.part(self._one.detail)
                if kind is not None and same_part and kind.in_force(stack, other.detail):
                    yield other, kind

    def _put_back(self, stack: Stack, rung: str, other: Injected, kind: FaultKind[Any]) -> None:
        """What the rung took of another fault; one of a link can be injected again as it was."""
        whose = f"{other.fault} on {other.target}"
        try:
            if kind.in_force(stack, other.detail):
                return
            if other.key in self._healed_too:
                self.say(f"{rung} took {whose} with it, which is to be healed as well")
            elif not isinstance(kind, LinkKind):
                self.say(f"{rung} took {whose} with it", failed=True)
            else:
                kind.undo(stack, other.detail)  # a rest of it would be in the way
                kind.inject(stack, other.detail)
                self.say(f"{rung} took {whose} with it for a moment; it is back")
        except Exception as exc:
            self.say(f"{rung} took {whose} with it: {str(exc).splitlines()[0] if str(exc) else exc!r}", failed=True)

    def _over(self, text: str, how: str) -> bool:
        self.say(text)
        try:
            fault_ledger.close(self._folder, self._one.key, how)
        except OSError as exc:
            self._unwritten(exc)
        return True

    def _unwritten(self, exc: OSError) -> None:
        line = _line(
            f"{self._one.fault} on {self._one.target}: not written down ({exc.strerror}): the ledger still has it"
        )
        if line not in self._lines:
            self._lines.append(line)


def _attached(folder: Path, *, outlives: bool) -> Stack:
    return Stack(folder) if outlives else Stack.attach(folder)


def proxying(stack: Stack) -> list[str]:
    """The toxiproxies that are to be looked at: the stack's, and its second one while it does not rest."""
    places = (stack.places.find(name) for name in (PLAIN, EDGE))
    there = [place.name for place in places if place is not None and place.url and urlsplit(place.url).port]
    return [name for name in there if name != EDGE or stack.detours]


def strays(stack: Stack) -> list[str]:
    """What is on the stack's proxies and in no ledger: injected by hand, or by a drill that wrote no ledger."""
    return [one for part in proxying(stack) for one in _strays(stack, part)]


def _strays(stack: Stack, part: str) -> list[str]:
    known = {toxic["name"] for one in injected(stack.folder.path) for toxic in one.detail.get("toxics", ())}
    refused = {
        name
        for one in injected(stack.folder.path)
        if not one.detail.get("toxics")
        for name in (one.detail.get("link"), *one.detail.get("proxies", ()))
    }
    found = []
    for name, proxy in api(stack, part).proxies().items():
        found += [f"{name}: {toxic.name}" for toxic in proxy.toxics if toxic.name not in known]
        found += [f"{name}: disabled"] if not proxy.enabled and name not in refused else []
    return found


def heal_strays(stack: Stack) -> list[str]:
    """Removes what no ledger knows, on toxiproxies of the stack's own; a line each. Raises ChaosError."""
    return [line for part in proxying(stack) for line in _heal_strays(stack, part)]


def _heal_strays(stack: Stack, part: str) -> list[str]:
    try:
        found = _strays(stack, part)
    except ChaosError as exc:
        if part in stack.externals:
            raise
        restart_toxiproxy(stack, part)
        return [f"{exc}: killed, restarted, repopulated"]
    if found and part not in stack.externals:
        try:
            api(stack, part).reset()
        except ChaosError:
            restart_toxiproxy(stack, part)
        return [f"{one}: in no ledger; reset" for one in found]
    return [f"{one}: in no ledger, and {part} is somebody's: left alone" for one in found]


@dataclass(frozen=True, slots=True)
class HealReport:
    """The result of healing everything: `lines` what was done, `left` what is still there, `unseen` what could not be
    looked at, `stacks` how many folders of stacks were looked at, `running` of how many that run.
    """

    lines: list[str]
    left: list[str]
    unseen: list[str]
    stacks: int
    running: int


def heal_everything(var: Path, patience_s: float = fault_ledger.PATIENCE_S) -> HealReport:
    """Heals every ledger under `var`, and what is on running proxies in no ledger. Raises nothing."""
    lines: list[str] = []
    left: list[str] = []
    unseen: list[str] = []
    running = find_running(var)
    for folder in sorted(path.parent for path in var.glob(f"*/{fault_ledger.FILE}") if not path.parent.is_symlink()):
        try:
            lines += heal(folder, patience_s=patience_s)
            lines += [f"{folder / fault_ledger.FILE}:{number}: cannot be read; what it was about is looked for below"
                      for number in fault_ledger.unreadable(folder)]  # fmt: skip
        except Exception as exc:
            # Of one stack; the next one is healed all the same.
            left += str(exc).splitlines() or [type(exc).__name__]
    for folder in running:
        try:
            lines += heal_strays(Stack.attach(folder))
        except EnvironmentNotReady as exc:
            unseen.append(f"{folder.name}: {exc}: its links were not looked at")
        except Exception as exc:
            left.append(f"{folder.name}: {str(exc) or type(exc).__name__}")
    return HealReport(lines, left, unseen, len(list(var.glob("*/plan.json"))), len(running))
