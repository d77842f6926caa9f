"""One order to a Locust with somebody's own locustfile, from its first intended task to the account: what is told
meanwhile, when it ends, what is written. Runs in a Locust process, where sleeping is gevent's.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from time import monotonic_ns
from typing import Any

import gevent
import numpy as np

from harness.engine.health import CpuSample, lag_ms_max
from harness.engine.pacing import grain_ns
from harness.engine.recorder import pages, write_history
from harness.engine.results import result
from harness.engine.tally import Tally
from harness.engine.tape import NEVER
from harness.engine.usage import cpu_sample, schedule_class, used
from harness.journeys.own_alarm import LoopAlarm
from harness.journeys.own_gun import TaskGun
from harness.journeys.own_tasks import StandingUser, TaskLeaf, TaskShot
from harness.journeys.task_tape import TaskWindows, tape_of_tasks
from harness.orchestrate.fire_order import FireOrder

NS = 1_000_000_000
HOUSE_S, REPORT_S, CPU_S = 0.05, 0.5, 1.0
BROKEN_OFF_NS = NS // 2
"""After a stop, the time in which a task that runs may still end by itself."""


class TaskFlight:
    """One order, from its first intended task to the account."""

    def __init__(
        self,
        order: FireOrder,
        leaves: Sequence[TaskLeaf],
        users: Sequence[Sequence[StandingUser]],
        weights: Sequence[float],
        on_counts: Callable[[dict[str, Any]], None],
        requests: Callable[[], int] = int,
    ) -> None:
        """`requests()`: how many the tasks have sent so far, by Locust's word."""
        self._requests = requests
        self.order, self.config, self._on_counts = order, order.config, on_counts
        shares = [leaf.weight * weights[leaf.cls] for leaf in leaves]
        self.windows = TaskWindows(Path(order.folder), self.config["seed"], shares)
        self._start_ns = 0
        self.tape, self.plan_ns = tape_of_tasks(self.config, shares)
        self.gun = TaskGun(self.tape, leaves, users)
        self.names = [leaf.name for leaf in leaves]
        self.tally = Tally(self.gun, self.names)  # type: ignore[arg-type]
        self.cpu: list[CpuSample] = []
        self.users = sum(map(len, users))
        self.stopped_ns: int | None = None
        self._grain_ns = grain_ns(lag_ms_max(self.config["objective_ms"]))
        self._next: Callable[[int], None] = lambda _: None

    def fly(self, stopping: Callable[[], str]) -> dict[str, Any]:
        """Fires to the end, or until it is stopped; writes account and history. Raises OSError."""
        schedule_class(realtime=bool(self.config.get("realtime")))  # its starter is a batch process
        if self.config.get("cpu") is not None:
            os.sched_setaffinity(0, {self.config["cpu"]})
        start_ns = self._start_ns = self.order.t0_ns()
        self.tape.shift(start_ns)
        self.gun.stand_ready()
        alarm = LoopAlarm(self._ring)
        self._next = alarm.set
        alarm.set(start_ns)
        try:
            with self.order.file("progress", 0, ".jsonl").open("wb", buffering=0) as progress:
                self._keep_house(progress, stopping, alarm, start_ns)
                stop = self.gun.stopped
                self.gun.cease("over")
                self.gun.give_up()
                progress.write(b'{"event": "over"}\n')  # it may be long now until something is told
                account = self._account(start_ns, stop)
                self._report(progress, monotonic_ns())
        finally:
            alarm.close()
        self._write(account)
        return account

    def _keep_house(self, progress: Any, stopping: Callable[[], str], alarm: LoopAlarm, start_ns: int) -> None:
        """Until all that was started has ended, or its time is over."""
        drain_ns = int(self.config["drain_s"] * NS)
        drain_until = report_at = cpu_at = 0
        while True:
            now = monotonic_ns()
            if self.gun.stopped is None and (why := self._why(stopping)):
                self.gun.cease(why)
            if self.gun.stopped is not None and self.stopped_ns is None:
                self.stopped_ns = now
            if self.stopped_ns is not None and now > self.stopped_ns + BROKEN_OFF_NS:
                self.gun.break_off()  # a task of many requests would go on sending
            if now >= cpu_at:
                cpu_at = now + int(CPU_S * NS)
                self.cpu.append(cpu_sample(now))
            elif now >= report_at:  # not both in one turn: nothing is started meanwhile
                report_at = now + int(REPORT_S * NS)
                self._report(progress, now)
            goes_on = self.gun.stopped is None and self._goes_on(progress, now)
            in_arrears = now > start_ns + self.plan_ns + drain_ns
            if self.gun.stopped is not None or (self.gun.next >= len(self.tape) and not goes_on) or in_arrears:
                alarm.close()  # in arrears beyond that, the rest is not started at all
                drain_until = drain_until or now + drain_ns
                if (not self.gun.running and not self.gun.waiting) or now > drain_until:
                    return
            gevent.sleep(HOUSE_S)

    def _goes_on(self, progress: Any, now: int) -> bool:
        """Of a climb: takes the windows that were ordered; can another one still come? It lasts until its end, whether
        a task is due or not.
        """
        if not self.config.get("goes_on"):
            return False
        before, refused = len(self.tape), self.windows.refused
        ends_ns = self.windows.follow(self.tape, self._start_ns + self.plan_ns)
        self.plan_ns = ends_ns - self._start_ns
        if self.windows.refused and not refused:
            told = {"event": "error", "about": "append", "message": self.windows.refused}
            progress.write(json.dumps(told).encode() + b"\n")
        if len(self.tape) > before:
            self._next(self.tape.intended[self.gun.next])
        return now < ends_ns

    def _why(self, stopping: Callable[[], str]) -> str:
        """Why nothing more may be started; empty while it may."""
        return "kill file" if Path(self.config["kill_file"]).exists() else stopping()

    def _ring(self) -> None:
        """A task is due. Where they come thick, several have one ring: every ring costs a sleep and a waking."""
        rung_ns = monotonic_ns()
        following = self.gun.start_due()
        if following < NEVER:
            self._next(max(following, rung_ns + self._grain_ns))

    def _report(self, progress: Any, now: int) -> None:
        self.tally.take()
        at_s = (now - self._start_ns) / NS
        counts = {"event": "counts", "at_ns": now, "at_s": at_s, "cpu_ratio": None} | self.tally.cumulative()
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
            goes_on=bool(self.config.get("goes_on")),
        )
        for part in (account, *account["beside"]):
            part["connections"] = 0
        account["connections"] = self.users
        return account | {
            "run_id": self.order.run_id, "worker": 0, "stop": stop, "rate_versions": self.windows.versions.played,
            "breaks": 0, "surprises": 0,
            "awards": 0, "tickets": [], "resources": used(), "counts": self.tally.cumulative(), "scheduling": None,
            "requests": self._requests(),
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
