"""The process that owns a stack: `python -m harness.stack.supervisor FOLDER`.

Starts, watches, restarts and stops every part.

Three mechanisms leave nothing behind. The parent's end is the end of a pipe, and stops the stack in order. The reaper,
this process's own parent, inherits every orphan and kills what is left when the supervisor is gone. The kernel signals
each part when the supervisor ends, also if both are killed at once.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import dataclasses
import json
import logging
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import psutil

from harness.children import for_children
from harness.errors import BadInput, EnvironmentNotReady, HarnessError
from harness.own_metrics import OwnMetrics, forget_the_gone
from harness.runs.durable import append_line
from harness.secrets import hidden
from harness.stack import postgres, resources, spawn, tools
from harness.stack.detour import Detour
from harness.stack.external import role_of
from harness.stack.folder import Folder, secret, write_private
from harness.stack.keeper import Keeper, PartEvent, PartFailed, how_it_ended
from harness.stack.places import no_place
from harness.stack.plan import RUN_PORT, SUPERVISOR_PORT, Layout, Plan, lay_out
from harness.stack.ports import Ports
from harness.stack.wire import Switchboard

log = logging.getLogger(__name__)

INIT_DEADLINE_S = 120.0
LAST_MOMENT_S = 2.0
UNWRITTEN_MOST = 1000
"""Most events that are kept while the disk cannot take them."""


class Supervisor:
    """One stack, from the first part to the last."""

    def __init__(self, folder: Folder, plan: Plan, ports: Ports) -> None:
        self.folder, self.plan, self.ports = folder, plan, ports
        self.token = secret(folder.secret / "token")
        for name in ("key", "admin"):
            secret(folder.secret / name)
        self.layout: Layout = lay_out(plan, ports.by_name, folder, secret(folder.secret / "postgres"))
        own = {"XIU_STACK": folder.path.name, "PYTHONUNBUFFERED": "1", "PROMETHEUS_DISABLE_CREATED_SERIES": "True"}
        self.env = env = for_children(own)
        self.keepers = {p.name: Keeper(p, folder, env, self._report) for p in self.layout.parts}
        self.sampler = resources.ResourceSampler()
        self.switchboard = Switchboard(self.token, self._answer)
        self.ended = asyncio.Event()
        self.status = "starting"
        self.detour = Detour(self.layout, self.keepers, self.write_down)
        self._beside: list[asyncio.Task[None]] = []
        self._unwritten: deque[bytes] = deque(maxlen=UNWRITTEN_MOST)
        self._behind = False

    # -- what is told to others

    def _report(self, event: PartEvent) -> None:
        data = dataclasses.asdict(event)
        self._unwritten.append(json.dumps(data).encode())
        self.write_down()
        self.switchboard.tell(data)

    def pids(self) -> dict[str, int]:
        """Main process of every part that runs."""
        return {name: keeper.pid for name, keeper in self.keepers.items() if keeper.pid is not None}

    def write_down(self) -> None:
        """Writes events and state, as far as the disk takes them; the rest is written once it does."""
        try:
            while self._unwritten:
                append_line(self.folder.events, self._unwritten[0], sync=False)
                self._unwritten.popleft()
            write_private(self.folder.state, json.dumps(self.state(), indent=1))
            self._behind = False
        except OSError as exc:
            if not self._behind:
                log.warning("what happens is not written down for now: %s", exc)
            self._behind = True

    def state(self) -> dict[str, Any]:
        """How things stand; what `stack.json` holds."""
        return {
            "stack_id": self.folder.path.name,
            "status": self.status,
            "selection": self.plan.selection,
            "supervisor_pid": os.getpid(),
            "reaper_pid": os.getppid(),
            "port": self.ports.by_name[SUPERVISOR_PORT],
            "run_port": self.ports.by_name.get(RUN_PORT),
            "token": self.token,
            "pids": self.pids(),
            "parts": {name: keeper.shown for name, keeper in self.keepers.items()},
            "addresses": self.layout.addresses.to_json(),
            "externals": self.plan.externals,
            "notes": list(self.plan.notes),
            "detours": list(self.detour.links),
            "missing": list(self.plan.missing),
            "resources": self.sampler.to_json(),
            "written_at": time.time(),
        }

    async def _answer(self, request: dict[str, Any]) -> dict[str, Any]:
        match request["do"]:
            case "pids":
                return {"pids": self.pids()}
            case "resources":
                self.sampler.sample(self.pids())
                return {"resources": self.sampler.to_json()}
            case "state":
                self.sampler.sample(self.pids())
                return {"state": self.state()}
            case "stop":
                self.ended.set()
                return {}
            case "detour":
                await self.detour.lead(request["links"])
                return {}
        keeper = self._keeper(str(request.get("name")))
        match request["do"]:
            case "suspend":
                keeper.suspend()
            case "resume":
                keeper.resume()
            case "restart":
                if keeper.state == "resting":
                    raise BadInput(f"{keeper.part.name} rests", expected="a drill aimed at its links to start it")
                await keeper.restart()
            case unknown:
                raise BadInput(f"no such request: {unknown}")
        return {"pid": keeper.pid}

    def _keeper(self, name: str) -> Keeper:
        if name in self.plan.externals:
            raise BadInput(f"{name} is external ({hidden(self.plan.externals[name])}): it is never restarted or killed")
        if name not in self.keepers:
            raise no_place(name, self.keepers)
        return self.keepers[name]

    # -- the life of the stack

    def _write_files(self) -> None:
        for path, text in self.layout.files.items():
            write_private(path, text)
        for part in self.layout.parts:
            if role_of(part.name) in ("valkey", "prometheus", "alertmanager"):
                self.folder.data(part.name).mkdir(exist_ok=True)

    async def _init_postgres(self) -> None:
        """An empty place becomes a cluster, once. Raises PartFailed."""
        if (self.folder.data("postgres") / "xiu-made").exists():
            return
        data, log = self.folder.data("postgres"), self.folder.log("postgres-init")
        commands = postgres.init_commands(
            tools.need("initdb"), tools.need("postgres"), data, self.folder.secret / "postgres"
        )
        for argv, typed in commands:
            child = spawn.start(argv, env=self.env, log=log, cwd=self.folder.path, typed=typed)
            try:
                async with asyncio.timeout(INIT_DEADLINE_S):
                    code = await spawn.exited(child)
            finally:
                await spawn.stop(child, signal.SIGTERM, 2.0)
            if code != 0:
                tail = "".join(f"\n    {line}" for line in self.folder.log_tail("postgres-init"))
                raise PartFailed(f"postgres could not be initialised ({how_it_ended(code)}); the last lines:{tail}")
        (data / "xiu-made").touch()

    async def _start_part(self, keeper: Keeper) -> None:
        if keeper.part.name == "postgres":
            await self._init_postgres()
        for name in keeper.part.after:
            await self.keepers[name].is_ready.wait()
        await keeper.start()

    async def _start_beside(self, keeper: Keeper) -> None:
        """A part that no other waits for: if it does not start, that is reported and nothing else happens."""
        try:
            await self._start_part(keeper)
        except (PartFailed, OSError) as error:
            keeper.state = "gave_up"
            self._report(PartEvent(time.time(), keeper.part.name, "gave_up", str(error).splitlines()[0]))

    async def start(self) -> None:
        """Start everything that is needed, each part as soon as what it needs is ready. Raises the first PartFailed."""
        self.switchboard_port = self.ports.by_name[SUPERVISOR_PORT]
        await self.switchboard.open(self.switchboard_port)
        self.write_down()
        self._write_files()
        beside = [k for k in self.keepers.values() if not k.part.needed]
        self._beside = [asyncio.create_task(self._start_beside(k), name=f"start {k.part.name}") for k in beside]
        needed = {n: k for n, k in self.keepers.items() if k not in beside and not k.part.on_demand}
        tasks = [asyncio.create_task(self._start_part(k), name=f"start {n}") for n, k in needed.items()]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        self.status = "ready"
        self.write_down()

    async def watch(self) -> None:
        """Samples, checks the keepers, writes what could not be written, until the stack must end."""
        while not self.ended.is_set():
            try:
                self._look()
            except Exception:
                # An error in one look does not end the stack.
                log.exception("the supervisor's look")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(resources.SAMPLE_EVERY_S):
                    await self.ended.wait()

    def _look(self) -> None:
        for name, keeper in self.keepers.items():
            if keeper.mend():
                log.error("%s: its keeper was dead and is replaced", name)
        if self._behind:
            self.write_down()
        forget_the_gone(self.folder.targets)
        self.sampler.sample(self.pids())

    async def stop(self) -> None:
        """Stop the parts, those first that others do not need. Safe to repeat."""
        self.status = "stopping"
        for task in self._beside:
            task.cancel()
        await asyncio.gather(*self._beside, return_exceptions=True)
        try:
            self.sampler.sample(self.pids())
        except Exception:
            log.exception("the last sample")
        self.write_down()
        left = dict(self.keepers)
        while left:
            needed = {name for keeper in left.values() for name in keeper.part.after}
            wave = [name for name in left if name not in needed] or list(left)
            await asyncio.gather(*(left.pop(name).stop() for name in wave))
        self.status = "stopped"
        self.write_down()
        self.switchboard.close()


async def supervise(folder: Folder, say: Callable[[dict[str, Any]], None], parent: int | None) -> int:
    """Start the stack, keep it until told to stop, stop it. The exit code."""
    loop = asyncio.get_running_loop()
    plan = Plan.from_json(json.loads(folder.plan.read_text(encoding="utf-8")))
    with Ports(plan.port_names()) as ports:
        supervisor = Supervisor(folder, plan, ports)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.add_signal_handler(number, supervisor.ended.set)
        if parent is not None:
            loop.add_reader(parent, _at_the_end_of, parent, loop, supervisor.ended)
        metrics = OwnMetrics("supervisor", folder.targets).begin()
        code = 0
        try:
            if await _unless(supervisor.ended, supervisor.start()):
                say({"status": "ready"})
                await supervisor.watch()
            else:
                say({"status": "stopped", "error": "told to stop while it started"})
        except (HarnessError, OSError) as error:
            code = error.exit_code if isinstance(error, HarnessError) else EnvironmentNotReady.exit_code
            await supervisor.stop()
            text = str(error) if isinstance(error, HarnessError) else f"the stack in {folder.path}: {error}"
            say({"status": "failed", "error": text, "exit_code": code})
        finally:
            await supervisor.stop()
            metrics.stop()
    return code


def _at_the_end_of(parent: int, loop: asyncio.AbstractEventLoop, ended: asyncio.Event) -> None:
    if not os.read(parent, 1):
        loop.remove_reader(parent)
        ended.set()


async def _unless(ended: asyncio.Event, work: Coroutine[Any, Any, None]) -> bool:
    """Do the work; False if `ended` came first, and the work was given up."""
    task, stop = asyncio.create_task(work), asyncio.create_task(ended.wait())
    try:
        await asyncio.wait((task, stop), return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
            return True
        return False
    finally:
        for each in (task, stop):
            each.cancel()
        await asyncio.gather(task, stop, return_exceptions=True)


def _left(folder: Folder) -> list[psutil.Process]:
    """Processes of the stack that still run, once the supervisor is gone."""
    if sys.platform == "linux":
        return spawn.family(os.getpid())[:-1]
    # There orphans go to init, so the last written state has to do.
    return [process for pid in folder.read_state().get("pids", {}).values() for process in spawn.family(pid)]


def reap(supervisor: int, folder: Folder) -> int:
    """The reaper: wait for the supervisor, then kill whatever it left. Its exit code.

    Every orphan of the stack becomes a child of this process, so there is an exact answer to *what is left*.
    """
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda n, _: spawn.send(supervisor, n))
    code: int | None = None
    while code is None:
        pid, status = os.wait()
        if pid == supervisor:
            code = os.waitstatus_to_exitcode(status)
    deadline = time.monotonic() + LAST_MOMENT_S
    while left := _left(folder):
        # PostgreSQL is ending by its death signal and cleans up: all get a moment, then none.
        if time.monotonic() > deadline:
            for process in left:
                spawn.send(process.pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        time.sleep(0.02)
    return code if code >= 0 else 1


def main(argv: list[str] | None = None) -> int:
    """Entry point. Reports the result of the start on `--status-fd`, one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--parent-fd", type=int, help="a pipe that ends when the parent does; none: detached")
    parser.add_argument("--status-fd", type=int, required=True)
    args = parser.parse_args(argv)
    folder = Folder(args.folder.resolve())
    if folder.lock() is None:
        os.write(
            args.status_fd,
            json.dumps({"status": "failed", "error": "a stack runs in this folder", "exit_code": 5}).encode(),
        )
        return 5
    spawn.raise_open_files()
    spawn.prctl(spawn.PR_SET_CHILD_SUBREAPER, 1)
    reaper = os.getpid()
    pid = os.fork()
    if pid:
        for descriptor in (args.status_fd, args.parent_fd):
            if descriptor is not None:
                os.close(descriptor)
        return reap(pid, folder)
    spawn.prctl(spawn.PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != reaper:
        return 1

    def say(message: dict[str, Any]) -> None:
        with contextlib.suppress(OSError):
            os.write(args.status_fd, json.dumps(message).encode() + b"\n")
            os.close(args.status_fd)

    return asyncio.run(supervise(folder, say, args.parent_fd))


if __name__ == "__main__":
    sys.exit(main())
