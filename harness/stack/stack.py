"""A stack for its user: start, stop, addresses, pids, restarts, events. Plain synchronous code.

The supervisor, a process of its own, starts the parts. This side only plans, asks and listens.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from harness.children import for_children
from harness.errors import BadInput, EnvironmentNotReady
from harness.stack import folder as folders
from harness.stack import owner, spawn, wire
from harness.stack.addresses import Addresses
from harness.stack.folder import Folder, write_private
from harness.stack.keeper import PartEvent
from harness.stack.places import Directory
from harness.stack.plan import make_plan
from harness.stack.ports import carries_traffic
from harness.stack.table import Part, Selection
from harness.waits import killed

log = logging.getLogger(__name__)

START_DEADLINE_S = 180.0
STOP_DEADLINE_S = 90.0
CALL_TIMEOUT_S = 90.0
STATE_TIMEOUT_S, QUICK_TIMEOUT_S = 5.0, 15.0
"""Seconds; a caller that only looks does not wait longer for a frozen supervisor."""
POLL_S = 0.02


class Stack:
    """The real parts in one folder. A context manager: started on entry, stopped on exit.

    `fronts`: how many front processes. `cells`: how many cells they are spread over, each with a Valkey and credit
    workers of its own. `with_prometheus`: Prometheus and Alertmanager too, where they are installed.
    `parts`: `all`, or `stores` for PostgreSQL and Valkey alone. `detach`: goes on running when this process ends.
    `system`: other processes in place of the red-packet system's own (for tests). `more`: parts beside it that the
    caller brings (the playbook engine). `private`: this process alone uses and stops it, until it is released or the
    process ends. `environment`: where `XIU_*_URL` is looked up.
    """

    def __init__(
        self,
        folder: Path,
        *,
        fronts: int = 1,
        cells: int = 1,
        with_prometheus: bool = True,
        parts: Selection = "all",
        detach: bool = False,
        system: Sequence[Part] | None = None,
        more: Sequence[Part] = (),
        private: bool = False,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = Folder(Path(folder).resolve())
        self._options = (parts, fronts, cells, with_prometheus, detach, system, tuple(more))
        self._private = private
        self._environment = os.environ if environment is None else environment
        self._process: subprocess.Popen[bytes] | None = None
        self._lifeline: int | None = None
        self._listening: socket.socket | None = None
        self._callbacks: list[Callable[[PartEvent], None]] = []

    # -- life

    def start(self) -> Stack:
        """Start everything and wait until it is ready.

        Raises EnvironmentNotReady: what is missing, or which part failed and why.
        """
        selection, fronts, cells, with_prometheus, detach, system, more = self._options
        new, env = not self.folder.plan.exists(), self._environment
        try:
            carries_traffic()
            plan = make_plan(
                selection, fronts, cells=cells, with_prometheus=with_prometheus, environment=env, system=system,
                more=more,
            )  # fmt: skip
        except BaseException:
            with contextlib.suppress(OSError):
                self.folder.path.rmdir()  # made for this stack, and empty: nothing was started
            raise
        try:
            self.folder.make()
            if self.folder.locked:
                raise EnvironmentNotReady(f"a stack runs in {self.folder.path}")
            (owner.claim if self._private else owner.share)(self.folder.path)
            write_private(self.folder.plan, json.dumps(plan.to_json(), indent=1))
        except OSError as exc:
            raise EnvironmentNotReady(f"the stack's folder {self.folder.path} cannot be written: {exc}") from exc
        if new:
            folders.name_last(self.folder.path)
        lifeline, self._lifeline = (None, None) if detach else os.pipe()
        ready_fd, tell = os.pipe()
        given = [fd for fd in (lifeline, tell) if fd is not None]
        argv = [sys.executable, "-m", "harness.stack.supervisor", str(self.folder.path), "--status-fd", str(tell)]
        argv += [] if lifeline is None else ["--parent-fd", str(lifeline)]
        try:
            with spawn.opened(self.folder.log("supervisor")) as out:
                self._process = subprocess.Popen(
                    argv,
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=out,
                    env=for_children(),
                    pass_fds=given,
                    start_new_session=True,  # Ctrl-C is for the holder of the stack, which stops it in order
                )
        finally:
            for fd in given:
                os.close(fd)
        try:
            self._wait_ready(ready_fd)
        except BaseException:
            self.stop()
            raise
        finally:
            os.close(ready_fd)
        self._listen()
        return self

    def _wait_ready(self, ready_fd: int) -> None:
        readable, _, _ = select.select([ready_fd], [], [], START_DEADLINE_S)
        if not readable:
            raise EnvironmentNotReady(
                f"the stack was not ready within {START_DEADLINE_S:g} s; see {self.folder.path}/logs"
            )
        line = os.read(ready_fd, 1 << 16)
        message = json.loads(line) if line else {"status": "failed", "error": self._supervisor_failed()}
        if message["status"] != "ready":
            raise EnvironmentNotReady(message["error"])

    def _supervisor_failed(self) -> str:
        return "the stack's supervisor ended:" + "".join(f"\n    {line}" for line in self.folder.log_tail("supervisor"))

    def stop(self) -> None:
        """Stop everything, in reverse order, and wait until nothing is left. Safe to repeat."""
        self._stop_listening()
        if self._lifeline is not None:
            os.close(self._lifeline)
            self._lifeline = None
        if self._process is None:
            return
        spawn.send(self._process.pid, signal.SIGTERM)
        try:
            self._process.wait(STOP_DEADLINE_S)
        finally:
            if self._process.poll() is None:
                killed(self._process)
        self._process = None

    def release(self) -> None:
        """Let go of a detached stack: it runs on, for everybody, until `xiu down`."""
        owner.share(self.folder.path)
        self._process = None
        self._stop_listening()

    @property
    def running(self) -> bool:
        """Is it up, and not on its way down?"""
        return self.folder.locked and self.folder.read_state().get("status") == "ready"

    def check(self) -> None:
        """Raises EnvironmentNotReady if the supervisor is gone (its reaper has then ended every part)."""
        if self._process is not None and self._process.poll() is not None:
            raise EnvironmentNotReady(self._supervisor_failed())

    def down(self) -> None:
        """Stop a stack that runs elsewhere (attached, or detached), and wait until nothing is left."""
        reaper = self.folder.read_state().get("reaper_pid")
        self._call("stop")
        deadline = time.monotonic() + STOP_DEADLINE_S
        while self.folder.locked:
            if time.monotonic() > deadline:
                raise EnvironmentNotReady(
                    f"the stack in {self.folder.path} did not stop within {STOP_DEADLINE_S:g} s (reaper: pid {reaper})"
                )
            time.sleep(POLL_S)

    def __enter__(self) -> Stack:
        return self if self._process is not None else self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @classmethod
    def attach(cls, folder: Path) -> Stack:
        """A stack that runs elsewhere. `stop` leaves it alone, `down` stops it.

        Raises EnvironmentNotReady if none runs there.
        """
        stack = cls(folder)
        if not stack.running:
            raise EnvironmentNotReady(f"no stack runs in {folder}; start one with: xiu up --detach")
        return stack

    # -- what it is

    @property
    def places(self) -> Directory:
        """Its parts: names, roles, addresses, owners."""
        return self.addresses.places

    @property
    def addresses(self) -> Addresses:
        """Where everything is reached."""
        return Addresses.from_json(self.folder.read_state()["addresses"])

    @property
    def externals(self) -> dict[str, str]:
        """part → address of what belongs to somebody else and is never touched."""
        return dict(self.folder.read_state()["externals"])

    @property
    def detours(self) -> tuple[str, ...]:
        """Links of the edge that are led through the second toxiproxy now."""
        return tuple(self.state().get("detours", ()))

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes for a person: external parts, Prometheus missing."""
        return tuple(self.folder.read_state()["notes"])

    @property
    def missing(self) -> tuple[str, ...]:
        """Tools without which the stack runs; empty for a stack of an older version, which does not tell."""
        return tuple(self.folder.read_state().get("missing", ()))

    @property
    def run_port(self) -> int | None:
        """Where its Prometheus looks for a run; None where it has none of its own, or is of an older version."""
        port: int | None = self.folder.read_state().get("run_port")
        return port

    @property
    def admin_token(self) -> str:
        """What operators' calls to control carry."""
        return (self.folder.secret / "admin").read_text(encoding="utf-8").strip()

    def pids(self) -> dict[str, int]:
        """Main process of every part that runs now."""
        return dict(self._call("pids", timeout_s=QUICK_TIMEOUT_S)["pids"])

    def pid(self, name: str) -> int:
        """A part's main process. Raises BadInput if there is no such part, or it does not run now."""
        pids = self.pids()
        if name not in pids:
            raise BadInput(f"part {name} does not run in this stack", expected="one of " + ", ".join(pids))
        return pids[name]

    def state(self) -> dict[str, Any]:
        """How things stand now, as the supervisor knows; where it does not answer, as last written down, and no part
        whose process is gone is called ready. Fields of `stack.json`.
        """
        try:
            return dict(self._call("state", timeout_s=STATE_TIMEOUT_S)["state"])
        except EnvironmentNotReady:
            return _without_the_dead(self.folder.read_state())

    def resources(self) -> dict[str, dict[str, float]]:
        """part → {cpu_s, rss_mib_max}, over all of its lives; as last written down once it stops."""
        if self.running:
            with contextlib.suppress(EnvironmentNotReady):  # it may end between question and answer
                return dict(self._call("resources", timeout_s=QUICK_TIMEOUT_S)["resources"])
        return dict(self.folder.read_state().get("resources", {}))

    def deaths(self) -> dict[str, list[PartEvent]]:
        """part → each time it died without an order, oldest first."""
        found: dict[str, list[PartEvent]] = {}
        for event in _events(self.folder.events):
            if event.kind == "died":
                found.setdefault(event.part, []).append(event)
        return found

    # -- what is done to it

    def kill(self, name: str, number: int = signal.SIGKILL) -> int:
        """Send a signal to a part's main process; its pid. It is restarted if it dies, unless that is suspended."""
        pid = self.pid(name)
        os.kill(pid, number)
        return pid

    def restart(self, name: str) -> int:
        """Stop a part in order and start it again; its new pid, when it is ready."""
        return int(self._call("restart", name)["pid"])

    def suspend_restart(self, name: str) -> None:
        """From now on this part stays dead when it dies."""
        self._call("suspend", name, QUICK_TIMEOUT_S)

    def resume_restart(self, name: str) -> None:
        """Restart it again when it dies; at once, if it is dead."""
        self._call("resume", name, QUICK_TIMEOUT_S)

    def detour(self, *links: str) -> None:
        """From now on exactly these links of the edge are led through the second toxiproxy; without any it rests.
        Returns when whoever is to go that way does. Raises BadInput for a link that has no proxy here,
        EnvironmentNotReady where it does not come about; may be repeated.
        """
        self._call("detour", links=links)

    def events(self, callback: Callable[[PartEvent], None]) -> None:
        """From now on call back with everything that happens to a part, on a thread of its own."""
        self._callbacks.append(callback)
        if self._listening is None and self.folder.locked:
            self._listen()

    def _call(self, do: str, name: str | None = None, timeout_s: float = CALL_TIMEOUT_S, **more: Any) -> dict[str, Any]:
        state = self.folder.read_state()
        if not state or not self.folder.locked:
            raise EnvironmentNotReady(f"no stack runs in {self.folder.path}")
        return wire.call(state["port"], {"token": state["token"], "do": do, "name": name, **more}, timeout_s)

    def _stop_listening(self) -> None:
        if self._listening is not None:
            # Wakes the thread that reads; closing alone would not.
            with contextlib.suppress(OSError):
                self._listening.shutdown(socket.SHUT_RDWR)
            self._listening = None

    def _listen(self) -> None:
        state = self.folder.read_state()
        sock, lines = wire.follow(state["port"], state["token"])

        self._listening = sock

        def listen() -> None:
            with sock:
                for line in lines:
                    event = PartEvent.from_json(line)
                    for callback in list(self._callbacks) or [_log]:
                        try:
                            callback(event)
                        except Exception:
                            # One failing listener keeps no event from the others, nor the next one from itself.
                            log.warning("an event of %s was not taken", event.part, exc_info=True)

        threading.Thread(target=listen, name="stack events", daemon=True).start()


def _without_the_dead(state: dict[str, Any]) -> dict[str, Any]:
    """A stored state, corrected by the processes that exist."""
    pids = {name: pid for name, pid in state.get("pids", {}).items() if spawn.lives(pid)}
    parts = {
        name: "dead" if doing in ("starting", "ready") and name not in pids else doing
        for name, doing in state.get("parts", {}).items()
    }
    return {**state, "pids": pids, "parts": parts}


def _events(path: Path) -> list[PartEvent]:
    """Every whole line; one torn by a full disk, or by a crash, is left out."""
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError:
        return []
    found = []
    for line in lines:
        with contextlib.suppress(ValueError, TypeError, KeyError, AttributeError):
            found.append(PartEvent.from_json(json.loads(line)))
    return found


def _log(event: PartEvent) -> None:
    level = logging.WARNING if event.kind in ("died", "gave_up", "slow", "not_started") else logging.INFO
    log.log(level, "%s", event, extra={"event": f"part_{event.kind}", "part": event.part})
