"""Plain Locust beside a schedule: so many users, each of whom sends his next request when the one before is answered,
and no sooner than his part of the plan's rate wants it. `locust -f` of this file, for the measured part of one order.

Nothing of Locust is changed: `FastHttpUser`, its `constant_pacing`, its table, its percentiles. A user who waits for a
slow answer sends nothing meanwhile, and nobody counts what he did not send: that is what these figures are there to
show.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import gevent
from locust import FastHttpUser, constant_pacing, events, task
from locust.env import Environment
from locust.exception import StopUser
from locust.stats import StatsEntry

from harness.errors import HarnessError
from harness.guard.kill import registered
from harness.orchestrate.fire_order import FireOrder

ORDER_VARIABLE, CLOSED_VARIABLE = "XIU_FIRE_ORDER", "XIU_CLOSED_LOOP"
LOOK_S, LAST_WORD_S = 0.05, 8.0
TOLD: dict[str, Any] = json.loads(os.environ[CLOSED_VARIABLE])
"""`url`, `method`, `headers`, `users`, `rate`, `begins_s`, `ends_s`, `drain_s` from the first intended request on."""
_state: dict[str, Any] = {"begins": None, "stopping": False, "work": None, "users": 0, "busy": 0}


class ClosedUser(FastHttpUser):
    """One user, as anybody would write him."""

    host = TOLD["url"]
    wait_time = constant_pacing(TOLD["users"] / TOLD["rate"])

    def on_start(self) -> None:
        number = _state["users"]
        _state["users"] += 1
        # Looked at often: a user who only slept would keep a run from ending that is stopped before it begins.
        while not _state["stopping"]:
            left_s = LOOK_S if _state["begins"] is None else _state["begins"] + number / TOLD["rate"] - time.monotonic()
            if left_s <= 0:
                return
            gevent.sleep(min(left_s, LOOK_S))

    @task
    def request(self) -> None:
        if _state["stopping"] or time.monotonic() >= _state["ends"]:
            raise StopUser
        _state["busy"] += 1
        try:
            self.client.request(TOLD["method"], TOLD["url"], headers=TOLD["headers"], name="closed loop")
        finally:
            _state["busy"] -= 1


@events.test_start.add_listener
def _start(environment: Environment, **_: Any) -> None:
    _state["work"] = gevent.spawn(_carry_out, environment)


@events.quitting.add_listener
def _quitting(**_: Any) -> None:
    """Ctrl-C or SIGTERM: nothing more is sent, and the account is written before this process ends."""
    _state["stopping"] = True
    if _state["work"] is not None:
        _state["work"].join(timeout=LAST_WORD_S)


@events.test_stop.add_listener
def _stopped(environment: Environment, **_: Any) -> None:
    environment.process_exit_code = environment.process_exit_code or 0  # a failed request is a result


def _carry_out(environment: Environment) -> None:
    """Waits for the order, lets the users go, and tells what Locust has counted once they are done."""
    runner = environment.runner
    assert runner is not None
    try:
        order = FireOrder.awaited(Path(os.environ[ORDER_VARIABLE]), lambda: _state["stopping"])
        kill_file = Path(order.config["kill_file"])
        folders = [Path(one) for one in (order.register, order.beside) if one]
        with registered(folders, os.getpid(), order.run_id, kill_file, None, order.since_s):
            began = order.t0_ns() / 1e9
            _state["ends"] = ends = began + TOLD["ends_s"]
            _state["begins"] = began + TOLD["begins_s"]
            while not _state["stopping"] and time.monotonic() < ends:
                gevent.sleep(LOOK_S)
                _state["stopping"] = _state["stopping"] or kill_file.exists()
            until = time.monotonic() + TOLD["drain_s"]
            while _state["busy"] and time.monotonic() < until:
                gevent.sleep(LOOK_S)
            order.file("cannon", 0, ".json").write_text(json.dumps(_account(environment.stats.total)))
    except (HarnessError, OSError) as exc:
        _state["stopping"] = True
        print(f"locustfile: {' '.join(str(exc).split())}", file=sys.stderr, flush=True)
        environment.process_exit_code = 10
    runner.quit()


def _account(total: StatsEntry) -> dict[str, Any]:
    """What Locust's own table says of all requests, in its own roundings."""
    said = {name: total.get_response_time_percentile(part) for name, part in
            (("p50", 0.5), ("p95", 0.95), ("p99", 0.99), ("p999", 0.999))} if total.num_requests else {}  # fmt: skip
    return {
        "users": TOLD["users"],
        "sent": total.num_requests + _state["busy"],
        "failed": total.num_failures,
        "unanswered": _state["busy"],
        "response_ms": {**said, "max": total.max_response_time if total.num_requests else None},
    }
