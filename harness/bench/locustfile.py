"""Bench ``locustfile``: the highest rate at which somebody's own tasks run on an open schedule and the run is valid ÷
the rate that plain Locust reaches with the same file in a closed loop.

Same server (nginx, alone on its core), same core, same number of users, all in the real-time class where it is allowed:
the question is not how many programs share the machine. FastHttpUser gives the ratio; HttpUser, whose client costs
several times as much, stands beside it.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness.bench import clients, servers
from harness.bench.common import Report, Say, alternate, two_cores
from harness.bench.engine import RESPONSE_P99_MS_MAX, highest, sustained
from harness.engine.process import CannonResult
from harness.errors import EnvironmentNotReady
from harness.orchestrate.fire import LocustProcess
from harness.orchestrate.merge import all_journeys, side_by_side
from harness.orchestrate.prepare import lead_after
from harness.service.order import ServiceOrder
from harness.service.prepare import OWN_LOCUSTFILE, tasks_order, told_of
from plans.models.service import load_service
from plans.models.target_service import LocustTarget

USERS = 50
SECONDS = 4.0
WARM_UP_S, DRAIN_S = 1.0, 3.0
CLOSE_ENOUGH = 0.13
ATTEMPTS = 2
SPARE_S = 30.0
TASKS = """\
from locust import {kind}, constant, task


class Shopper({kind}):
    wait_time = constant(0)

    @task(3)
    def browse(self):
        self.client.get("/hello")

    @task
    def order(self):
        with self.client.post("/orders", json={{"sku": 1}}, catch_response=True) as answer:
            if answer.status_code != 200:
                answer.failure("no order")
"""
PLAN = """\
kind: stress
id: tasks
title: Tasks
target: {{locustfile: mine.py, host: "http://{address}", users: {users}}}
rate: {rate}/s
warm_up: {{duration: {warm_up:g}s, share: 100%}}
steps: [{{kind: constant, share: 100%, duration: {seconds:g}s}}]
drain: {{answers: {drain:g}s}}
objectives: {{response_p99: {objective:g}ms}}
"""


def plain(target: servers.BenchTarget, core: int, kind: str, users: int, seconds: float) -> float:
    """Tasks a second of plain Locust with this file, all users spawned at once; a task makes one request. Of the whole
    seconds behind the warm-up. Raises EnvironmentNotReady if one fails.
    """
    with tempfile.TemporaryDirectory(prefix="xiu-plain-") as folder:
        file, told = Path(folder) / "mine.py", Path(folder) / "stats"
        file.write_text(TASKS.format(kind=kind))
        length = round(WARM_UP_S + seconds + 1)
        argv = [sys.executable, "-m", "locust", "-f", str(file), "--headless", "--only-summary", "-u", str(users)]
        argv += ["-r", str(users), "-t", f"{length}s", "-H", f"http://{target.address}", "--json-file", str(told)]
        clients.pinned(argv, core, length + SPARE_S, {"HOME": folder}, realtime=True)
        entries = json.loads(told.with_suffix(".json").read_text())
    if failed := sum(entry["num_failures"] for entry in entries):
        raise EnvironmentNotReady(f"{failed} requests of plain Locust failed")
    by_second: dict[int, int] = {}
    for entry in entries:
        for second, count in entry["num_reqs_per_sec"].items():
            by_second[int(second)] = by_second.get(int(second), 0) + count
    whole = [by_second[second] for second in sorted(by_second)][1 + round(WARM_UP_S) : -1]
    if not whole:
        raise EnvironmentNotReady(f"plain Locust sent for {len(by_second)} s; expected {length}")
    return statistics.mean(whole)


def fired(
    tasks: str,
    plan: str,
    core: int,
    *,
    realtime: bool = False,
    on_message: Callable[[int, dict[str, Any]], None] = lambda *_: None,
) -> CannonResult:
    """Tasks (the text of a locustfile) on the open schedule of a plan that names it `mine.py`, as `xiu plan run` runs
    them; `on_message` as in `LocustProcess.fire`. Raises FireFailed.
    """  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="xiu-tasks-") as name:
        folder = Path(name)
        (folder / "mine.py").write_text(tasks)
        (folder / "tasks.yaml").write_text(plan)
        order = ServiceOrder(load_service(folder / "tasks.yaml"), folder / "runs")
        assert isinstance(order.target, LocustTarget)
        run = folder / "run"
        run.mkdir()
        with LocustProcess(run, 1, 1, OWN_LOCUSTFILE, told_of(order, order.target, {}, run)) as generator:
            lead_s = lead_after(generator.stand())
            fire = tasks_order(order, "bench", run, lead_s, core, realtime)
            length_s = lead_s + order.plan.length_s + order.plan.drain.answers + SPARE_S
            accounts = generator.fire(fire, length_s, on_message, lambda: None).accounts
        return CannonResult(all_journeys(side_by_side(accounts)))


def open_schedule(
    target: servers.BenchTarget, core: int, kind: str, users: int, seconds: float, rate_rps: float
) -> CannonResult:
    """The tasks of this bench at a constant rate."""
    plan = PLAN.format(
        address=target.address, users=users, rate=round(rate_rps), warm_up=WARM_UP_S, seconds=seconds, drain=DRAIN_S,
        objective=RESPONSE_P99_MS_MAX,
    )  # fmt: skip
    return fired(TASKS.format(kind=kind), plan, core, realtime=True)


def run(say: Say, *, seconds: float = SECONDS, users: int = USERS) -> Report:
    """Raises EnvironmentNotReady without nginx or two cores."""
    server_core, core = two_cores()
    with servers.nginx(server_core) as target:
        servers.realtime(target.pid)
        fast, classic = (pairs(say, target, core, kind, users, seconds) for kind in ("FastHttpUser", "HttpUser"))
    beside = Report("", "", "", classic)
    extra = {
        "http_user": {"ratio": round(beside.ratio, 4), "value": beside.value, "anchor_value": beside.anchor_value,
                      "samples": [list(pair) for pair in classic]},
        "users": users,
        "objective_ms": RESPONSE_P99_MS_MAX,
    }  # fmt: skip
    return Report("locustfile", "tasks/s", "plain Locust, closed loop, FastHttpUser", fast, extra)


def pairs(
    say: Say, target: servers.BenchTarget, core: int, kind: str, users: int, seconds: float
) -> tuple[tuple[float, float], ...]:
    """The highest rate that holds and plain Locust's, in turn, for this kind of user."""
    last = plain(target, core, kind, users, seconds) / 2

    def holds(rate_rps: float) -> bool:
        return any(tried(rate_rps) for _ in range(ATTEMPTS))

    def tried(rate_rps: float) -> bool:
        got = open_schedule(target, core, kind, users, seconds, rate_rps)
        good = sustained(got)
        why = "holds" if good else f"does not hold: {'; '.join(got.generator['reasons']) or 'users were busy'}"
        times = {name: got.latency_ms[name]["p99"] for name in ("response", "lag", "queued")}
        say(f"{kind} {rate_rps:,.0f}/s {why}; p99 {times} ms, CPU {got.generator['cpu_max']:.2f}")
        return good

    def value() -> float:
        nonlocal last
        found = highest(holds, last, CLOSE_ENOUGH)
        if not found:
            raise EnvironmentNotReady(f"no valid run from {last / 8:,.0f}/s up: something else uses the cores")
        last = found
        return found

    return alternate(value, lambda: plain(target, core, kind, users, seconds), say)
