"""The life of one part: started, ready, watched, restarted at once with growing pauses, stopped.

Acting never depends on reporting: what cannot be written, reported or started now is tried again, and the part is kept
running. Does not know the other parts.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import subprocess
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from harness.errors import EnvironmentNotReady
from harness.secrets import scrubbed
from harness.stack import probes, spawn
from harness.stack.folder import Folder
from harness.stack.table import Part

log = logging.getLogger(__name__)

PROBE_EVERY_S = 0.05
BACKOFF_FIRST_S, BACKOFF_MOST_S = 0.1, 5.0
CRASH_LOOP_DEATHS, CRASH_LOOP_WINDOW_S = 6, 30.0
AGAIN_S = 1.0
"""Seconds to wait after something kept a part from being started: no space, or no process available."""

State = Literal["waiting", "resting", "starting", "ready", "dead", "suspended", "gave_up", "stopped"]
Kind = Literal["started", "ready", "died", "restarted", "slow", "not_started", "gave_up", "stopped"]


class PartFailed(EnvironmentNotReady):
    """A part did not come up; the message names it and has the last lines of its log."""


@dataclass(frozen=True)
class PartEvent:
    """What happened to a part."""

    at: float
    """Unix time, seconds"""
    part: str
    kind: Kind
    detail: str = ""
    log_tail: tuple[str, ...] = ()

    def __str__(self) -> str:
        lines = "".join(f"\n    {scrubbed(line)}" for line in self.log_tail)
        return f"{self.part} {self.kind.replace('_', ' ')}" + (f": {self.detail}" if self.detail else "") + lines

    @classmethod
    def from_json(cls, data: Mapping[str, object]) -> PartEvent:
        """Back from `dataclasses.asdict` by way of JSON."""
        tail = data.get("log_tail")
        fields = {f.name: data[f.name] for f in dataclasses.fields(cls) if f.name != "log_tail"}
        return cls(**fields, log_tail=tuple(tail) if isinstance(tail, list) else ())  # type: ignore[arg-type]


def how_it_ended(code: int) -> str:
    """A return code in words."""
    return f"killed by signal {-code}" if code < 0 else f"exit code {code}"


@dataclass
class BackOff:
    """When a part that died may start again: the first time at once, then later and later, at last never."""

    deaths: deque[float] = field(default_factory=deque)

    def next_delay_s(self, now: float) -> float | None:
        """Note a death; seconds to wait, or None: a crash loop, give up."""
        while self.deaths and now - self.deaths[0] > CRASH_LOOP_WINDOW_S:
            self.deaths.popleft()
        self.deaths.append(now)
        if len(self.deaths) >= CRASH_LOOP_DEATHS:
            return None
        return 0.0 if len(self.deaths) == 1 else min(BACKOFF_MOST_S, BACKOFF_FIRST_S * 2 ** (len(self.deaths) - 2))


class Keeper:
    """Keeps one part running. All methods on the supervisor's main thread."""

    def __init__(self, part: Part, folder: Folder, env: Mapping[str, str], report: Callable[[PartEvent], None]) -> None:
        self.part, self.state = part, "resting" if part.on_demand else "waiting"
        self.child: subprocess.Popen[bytes] | None = None
        self.is_ready = asyncio.Event()
        self._folder, self._env, self._report = folder, {**env, **part.env}, report
        self._may_start = asyncio.Event()
        if part.restart:
            self._may_start.set()
        self._wanted_end = False
        self._back_off = BackOff()
        self._delay_s = 0.0
        self._mourned = True
        """Has the end of the last child been recorded?"""
        self._watch: asyncio.Task[None] | None = None

    state: State

    @property
    def pid(self) -> int | None:
        """The main process, while it runs."""
        return self.child.pid if self.child is not None and self.child.poll() is None else None

    @property
    def shown(self) -> State:
        """The state, for others: a part without a process is not ready, whatever was recorded last."""
        return "dead" if self.state in ("starting", "ready") and self.pid is None else self.state

    def _say(self, kind: Kind, detail: str = "", tail: bool = False) -> None:
        """Never raises: a failing listener is no reason for a part to stay dead."""
        try:
            lines = tuple(self._folder.log_tail(self.part.name)) if tail else ()
            self._report(PartEvent(time.time(), self.part.name, kind, detail, lines))
        except Exception:
            log.exception("%s %s: could not be told", self.part.name, kind)

    def _spawn(self) -> subprocess.Popen[bytes]:
        part = self.part
        self.state = "starting"
        self.is_ready.clear()
        self.child = spawn.start(
            part.argv,
            env=self._env,
            log=self._folder.log(part.name),
            cwd=self._folder.path,
            death_signal=part.death_signal,
            core=part.core,
            nice=part.nice,
            policy=part.policy,
            slice_us=part.slice_us,
        )
        self._mourned = False
        self._say("started", f"pid {self.child.pid}")
        return self.child

    async def _probe(self, child: subprocess.Popen[bytes]) -> bool:
        """Until it is ready (True) or has ended (False)."""
        while child.poll() is None:
            if await probes.ready(self.part.ready):
                self.state = "ready"
                self.is_ready.set()
                return True
            await asyncio.sleep(PROBE_EVERY_S)
        return False

    async def start(self) -> None:
        """Start it the first time. Raises PartFailed if it ends, or is not ready by its deadline."""
        began = time.monotonic()
        child = self._spawn()
        try:
            async with asyncio.timeout(self.part.ready_deadline_s):
                if not await self._probe(child):
                    raise self._failed(f"ended at once ({how_it_ended(child.wait())})")
        except TimeoutError:
            raise self._failed(f"was not ready within {self.part.ready_deadline_s:g} s") from None
        self._say("ready", f"after {time.monotonic() - began:.2f} s")
        self._watch = asyncio.create_task(self._keep(), name=f"keep {self.part.name}")

    def _failed(self, what: str) -> PartFailed:
        tail = "".join(f"\n    {scrubbed(line)}" for line in self._folder.log_tail(self.part.name))
        return PartFailed(f"{self.part.name} {what}; the last lines of its log:{tail or ' (empty)'}")

    async def _keep(self) -> None:
        """For ever. Whatever breaks in one turn, there is a next one: nothing else restarts the part."""
        while True:
            try:
                await self._turn()
            except Exception as exc:
                # No descriptor, no memory for a process, a program that is gone: perhaps later.
                log.exception("%s: not kept for a moment", self.part.name)
                self._say("not_started", f"{type(exc).__name__}: {exc}")
                await asyncio.sleep(AGAIN_S)

    async def _turn(self) -> None:
        """From the life of one child to the readiness of the next."""
        if self.child is not None and not self._mourned:
            self._mourn(await spawn.exited(self.child))
        await self._may_again()
        began = time.monotonic()
        child = self._spawn()
        late = asyncio.get_running_loop().call_later(
            self.part.ready_deadline_s, self._say, "slow", "not ready yet", True
        )
        try:
            if await self._probe(child):
                self._say("restarted", f"ready after {time.monotonic() - began:.2f} s")
        finally:
            late.cancel()

    async def _may_again(self) -> None:
        """Waits until it may start, and its pause is over; a part that is suspended meanwhile stays dead."""
        while True:
            await self._may_start.wait()
            await asyncio.sleep(self._delay_s)
            if self._may_start.is_set():
                return
            self.state = "suspended"

    def _mourn(self, code: int) -> None:
        """Handles a child's end: when the next one may start, then what is reported."""
        self._mourned, self._delay_s = True, 0.0
        self.is_ready.clear()
        if self._wanted_end:
            self._wanted_end = False
            return
        self.state = "dead" if self._may_start.is_set() else "suspended"
        # A death for want of disk space is no crash loop: the part is tried until there is space.
        delay_s = self._back_off.next_delay_s(time.monotonic()) if self._folder.has_space() else AGAIN_S
        if delay_s is None:
            self.state = "gave_up"
            self._may_start.clear()
        self._delay_s = delay_s or 0.0
        self._say("died", how_it_ended(code), tail=True)
        if delay_s is None:
            again = f"start it again with: xiu restart {self.part.name}"
            self._say("gave_up", f"died {CRASH_LOOP_DEATHS} times within {CRASH_LOOP_WINDOW_S:g} s; {again}")

    def mend(self) -> bool:
        """Replaces a keeper's task that has ended; True if it did. Called again and again by the supervisor."""
        return self._watch is not None and self._watch.done() and self.state != "stopped" and self._watch_it()

    def _watch_it(self) -> bool:
        self._watch = asyncio.create_task(self._keep(), name=f"keep {self.part.name}")
        return True

    def suspend(self) -> None:
        """From now on the part is not restarted when it dies."""
        self._may_start.clear()

    def resume(self) -> None:
        """Restart it again when it dies; at once, if it is dead."""
        self.mend()
        self._back_off, self._delay_s = BackOff(), 0.0
        self._may_start.set()

    async def restart(self) -> None:
        """Stops it, starts it, waits until it is ready. Also ends a crash loop."""
        self.resume()
        if self._watch is None:
            self._watch_it()  # it was given up before it was ever ready
        if self.child is not None and self.child.poll() is None:
            self._wanted_end = True
            self.is_ready.clear()
            await spawn.stop(self.child, self.part.stop_signal, self.part.stop_deadline_s)
        try:
            async with asyncio.timeout(self.part.ready_deadline_s):
                await self.is_ready.wait()
        except TimeoutError:
            raise self._failed(f"was not ready within {self.part.ready_deadline_s:g} s after its restart") from None

    async def wake(self) -> None:
        """Start a part that rests, and wait until it is ready; nothing where it runs. Raises PartFailed."""
        if self._watch is None or self.pid is None:
            await self.restart()

    async def rest(self) -> None:
        """Stop it until it is asked for again. Safe to repeat."""
        await self.stop()
        self._watch, self.child, self._mourned = None, None, True
        self.is_ready.clear()
        self.state = "resting"

    async def stop(self) -> None:
        """Stop it for good. Safe to repeat, and in any state."""
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)
        if self.child is not None:
            await spawn.stop(self.child, self.part.stop_signal, self.part.stop_deadline_s)
        self.state = "stopped"
