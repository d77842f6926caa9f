"""Fires the tasks of one's own locustfile on an open schedule: each starts at its intended time on a user who stands
ready, or waits for one, and what it waited is in its response. Runs in a Locust process, where sleeping is gevent's.

How late a task began although a user was free is lag: gevent, or the machine, was the limit. What it waited because
every user was still busy is queued: the service was.
"""

from __future__ import annotations

import json
from array import array
from collections import deque
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic_ns
from typing import Any

import gevent
import numpy as np
from locust import User
from locust.exception import StopTest, StopUser

from harness.engine.answers import UNANSWERED, code_of
from harness.engine.gun import GunJourney
from harness.engine.health import CpuSample
from harness.engine.recorder import pages, write_history
from harness.engine.results import result
from harness.engine.schedule import pieces_of, schedule
from harness.engine.tally import Tally
from harness.engine.tape import Tape
from harness.engine.usage import cpu_sample, schedule_class, used
from harness.journeys.own_tasks import FAILED, GOOD, RAISED, StandingUser, TaskLeaf, TaskShot
from harness.orchestrate.fire_order import FireOrder
from system.contract.history import Kind

NS = 1_000_000_000
HOUSE_S, REPORT_S, CPU_S = 0.05, 0.5, 1.0
ENDED = 200
"""Status in the records of a task that ended, however: it has no other."""


@dataclass(slots=True)
class RunningTask:
    """What is known of a task while it runs. `failed`: one of its requests was told as failed."""

    failed: bool = False


NOW: ContextVar[RunningTask | None] = ContextVar("running task", default=None)
"""The task in which this greenlet, or the one that spawned it, runs."""


def heard(exception: object) -> None:
    """A request has ended, as Locust tells; with an exception it failed."""
    task = NOW.get()
    if task is not None and exception is not None:
        task.failed = True


@dataclass(slots=True)
class TaskQueue:
    """What the tally asks of a connection: how many tasks of a journey wait."""

    journey: GunJourney
    queue: deque[int] = field(default_factory=deque)


class TaskGun:
    """One schedule of tasks: the same columns and counts as the cannon's, filled in by greenlets.

    `users`: by class, those who stand ready.
    """

    def __init__(self, tape: Tape, leaves: Sequence[TaskLeaf], users: Sequence[Sequence[StandingUser]]) -> None:
        self.tape, self.leaves = tape, leaves
        self.journeys = [GunJourney(TaskShot(leaf.name)) for leaf in leaves]
        self.connections = [TaskQueue(journey) for journey in self.journeys]
        self.idle = [deque(each) for each in users]
        self.queues: list[deque[int]] = [deque() for _ in users]
        self.finished: array[int] = array("i")
        self.next = self.waiting = self.breaks = self.running = 0
        self.stopped: str | None = None

    def pace(self) -> None:
        """Greenlets pace themselves; the tally may ask."""

    def due(self, tap: int) -> None:
        """The time of a task has come."""
        cls = self.leaves[self.tape.journeys[tap]].cls
        if self.idle[cls] and self.stopped is None:
            gevent.spawn(self._run, tap, self.idle[cls].popleft(), True)
            return
        self.tape.reached[tap] = monotonic_ns()
        self.queues[cls].append(tap)
        self.connections[self.tape.journeys[tap]].queue.append(tap)
        self.waiting += 1

    def cease(self, why: str) -> None:
        """Nothing is started any more; what runs may end."""
        if self.stopped is None:
            self.stopped = why
        for queue in self.queues:
            queue.clear()
        for one in self.connections:
            one.journey.abandoned += len(one.queue)
            one.queue.clear()
        self.waiting = 0

    def give_up(self) -> None:
        """What has not ended is unknown, at its age."""
        now, sent, done = monotonic_ns(), self.tape.sent, self.tape.done
        for tap in range(self.next):
            if sent[tap] and not done[tap]:
                done[tap], self.tape.code[tap] = now, UNANSWERED
                self.finished.append(tap)

    def _run(self, tap: int, standing: StandingUser, free: bool) -> None:
        """A task on this user, and then what waits for one of its class, one after the other."""
        self.running += 1
        try:
            self._one(tap, standing, free)
            queue = self.queues[self.leaves[self.tape.journeys[tap]].cls]
            while queue and self.stopped is None:
                following = queue.popleft()
                self.connections[self.tape.journeys[following]].queue.popleft()
                self.waiting -= 1
                self._one(following, standing, False)
        finally:
            self.running -= 1
            self.idle[self.leaves[self.tape.journeys[tap]].cls].append(standing)

    def _one(self, tap: int, standing: StandingUser, free: bool) -> None:
        tape, task = self.tape, RunningTask()
        tape.user[tap] = standing.number
        now = monotonic_ns()
        if free:
            tape.reached[tap] = now
        tape.sent[tap] = now
        token = NOW.set(task)
        outcome = RAISED
        try:
            standing.run(self.leaves[tape.journeys[tap]])
            outcome = FAILED if task.failed else GOOD
        except StopTest:
            self.cease("the locustfile stopped the test")
        except (StopUser, Exception) as exc:  # of somebody else's code; told once for each kind
            self.told(standing.user, exc)
        finally:
            NOW.reset(token)
        if tape.done[tap] == 0:  # given up meanwhile
            tape.done[tap], tape.code[tap] = monotonic_ns(), code_of(outcome, ENDED)
            self.finished.append(tap)

    def told(self, user: User, exc: BaseException) -> None:
        """As Locust tells it: on its page under Exceptions."""
        user.environment.events.user_error.fire(user_instance=user, exception=exc, tb=exc.__traceback__)


def tape_of_tasks(order: dict[str, Any], leaves: Sequence[TaskLeaf], shares: Sequence[float]) -> tuple[Tape, int]:
    """Every task's time and kind, from segments and seed alone; and how long the plan is, ns."""
    plan = schedule(pieces_of(order["segments"]), order["seed"])
    random = np.random.Generator(np.random.PCG64(np.random.SeedSequence(entropy=order["seed"], spawn_key=(1 << 22,))))
    count = len(plan)
    journey = random.choice(len(leaves), count, p=np.asarray(shares) / sum(shares)).astype(np.uint8)
    nobody = np.zeros(count, np.int32)
    kinds = np.full(count, Kind.OTHER, np.uint8)
    return Tape.of(plan.intended_ns, nobody, nobody, kinds, plan.phase, journey), plan.duration_ns


class TaskFlight:
    """One order, from its first intended task to the account."""

    def __init__(
        self,
        order: FireOrder,
        leaves: Sequence[TaskLeaf],
        users: Sequence[Sequence[StandingUser]],
        weights: Sequence[float],
        on_counts: Callable[[dict[str, Any]], None],
    ) -> None:
        self.order, self.config, self._on_counts = order, order.config, on_counts
        shares = [leaf.weight * weights[leaf.cls] for leaf in leaves]
        self.tape, self.plan_ns = tape_of_tasks(self.config, leaves, shares)
        self.gun = TaskGun(self.tape, leaves, users)
        self.names = [leaf.name for leaf in leaves]
        self.tally = Tally(self.gun, self.names)  # type: ignore[arg-type]
        self.cpu: list[CpuSample] = []
        self.users = sum(map(len, users))
        self.stopped_ns: int | None = None

    def fly(self, stopping: Callable[[], bool]) -> dict[str, Any]:
        """Fires to the end, or until it is stopped; writes account and history. Raises OSError."""
        schedule_class(realtime=False)  # its starter is a batch process
        start_ns = self.order.t0_ns()
        self.tape.shift(start_ns)
        arrears_until = start_ns + self.plan_ns + int(self.config["drain_s"] * NS)
        pacer = gevent.spawn(self._pace)
        drain_until = None
        at = {"report": 0, "cpu": 0}
        with self.order.file("progress", 0, ".jsonl").open("wb", buffering=0) as progress:
            while True:
                now = monotonic_ns()
                if self.gun.stopped is None and (why := self._why(stopping)):
                    self.gun.cease(why)
                if self.gun.stopped is not None and self.stopped_ns is None:
                    self.stopped_ns = now
                    pacer.kill()
                if now >= at["cpu"]:
                    at["cpu"] = now + int(CPU_S * NS)
                    self.cpu.append(cpu_sample(now))
                if now >= at["report"]:
                    at["report"] = now + int(REPORT_S * NS)
                    self._report(progress, now)
                if now > arrears_until and not pacer.dead:
                    pacer.kill()  # so late that the rest is not started at all
                if pacer.dead:
                    drain_until = drain_until or now + int(self.config["drain_s"] * NS)
                    if (not self.gun.running and not self.gun.waiting) or now > drain_until:
                        break
                gevent.sleep(HOUSE_S)
            stop = self.gun.stopped
            self.gun.cease("over")
            self.gun.give_up()
            account = self._account(start_ns, stop)
            self._report(progress, monotonic_ns())
        self._write(account)
        return account

    def _why(self, stopping: Callable[[], bool]) -> str:
        """Why nothing more may be started; empty while it may."""
        return "kill file" if Path(self.config["kill_file"]).exists() else "SIGTERM" if stopping() else ""

    def _pace(self) -> None:
        tape, gun = self.tape, self.gun
        for tap in range(len(tape)):
            wait_s = (tape.intended[tap] - monotonic_ns()) / NS
            if wait_s > 0:
                gevent.sleep(wait_s)
            elif tap % 64 == 63:
                gevent.sleep(0)  # a pacer in arrears lets those run that it started
            if gun.stopped is not None:
                return
            gun.next = tap + 1
            gun.due(tap)

    def _report(self, progress: Any, now: int) -> None:
        self.tally.take()
        counts = {"event": "counts", "at_ns": now, "cpu_ratio": None} | self.tally.cumulative()
        self._on_counts(counts)
        progress.write(json.dumps(counts).encode() + b"\n")

    def _account(self, start_ns: int, stop: str | None) -> dict[str, Any]:
        self.tally.take()
        account = result(
            self.tape,
            start_ns=start_ns,
            plan_ns=self.plan_ns,
            stopped_ns=self.stopped_ns,
            journeys=self.tally.fired(),
            cpu=self.cpu,
            objective_ms=self.config["objective_ms"],
            one_of_several=True,
        )
        for part in (account, *account["beside"]):
            part["connections"] = 0
        account["connections"] = self.users
        return account | {
            "run_id": self.order.run_id, "worker": 0, "stop": stop, "rate_versions": [], "breaks": 0, "surprises": 0,
            "awards": 0, "tickets": [], "resources": used(), "counts": self.tally.cumulative(), "scheduling": None,
        }  # fmt: skip

    def _write(self, account: dict[str, Any]) -> None:
        folder = Path(self.order.folder)
        journeys: list[dict[str, object]] = [
            {"journey": name, "shot": "task", "outcomes": list(TaskShot.outcomes)} for name in self.names
        ]
        uids = np.arange(max(1, self.users), dtype=np.uint64)
        write_history(
            folder / "history", pages(self.tape, uids, 1, 0), self.order.run_id, self.config["seed"], 0, journeys
        )
        path = self.order.file("cannon", 0, ".json")
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps(account))
        fresh.replace(path)
