"""Stock Locust FastHttpUsers in a process of their own: ``python -m harness.bench.fasthttp URL USERS SECONDS``.

Prints the requests a second of the time after everybody was spawned.
"""

from __future__ import annotations

import json
import os
import sys
import time

import gevent
from locust import FastHttpUser, constant, task
from locust.env import Environment

from system.contract.routing import tap_path

SETTLE_S = 1.5


class Tapper(FastHttpUser):
    """Taps as fast as the answers come."""

    wait_time = constant(0)
    path = os.environ.get("XIU_PATH", tap_path(1))
    token = "1.1999999999.00000000000000000000000000000000"

    @task
    def tap(self) -> None:
        self.client.post(self.path, headers={"Authorization": f"Bearer {self.token}"}, name="tap")


def main(url: str, users: int, seconds: float) -> None:
    environment = Environment(user_classes=[Tapper], host=url)
    runner = environment.create_local_runner()
    runner.start(users, spawn_rate=users)
    gevent.sleep(SETTLE_S)
    total = environment.stats.total
    before, failed, began = total.num_requests, total.num_failures, time.perf_counter()
    gevent.sleep(seconds)
    done, took = total.num_requests - before, time.perf_counter() - began
    failures = total.num_failures - failed
    runner.quit()
    if failures:
        sys.exit(f"{failures} of {done} requests failed")
    print(json.dumps({"rps": done / took, "requests": done}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
