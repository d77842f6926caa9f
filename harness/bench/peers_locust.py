"""Stock Locust at a wanted rate: ``python -m harness.bench.peers_locust URL USERS RATE SECONDS``. Prints what its own
table says.
"""

from __future__ import annotations

import json
import sys

import gevent
from locust import FastHttpUser, constant_pacing, task
from locust.env import Environment


class PacedUser(FastHttpUser):
    """One user, as anybody would write him."""

    @task
    def request(self) -> None:
        self.client.get("/", name="request")


def main(url: str, users: int, rate: float, seconds: float) -> None:
    PacedUser.wait_time = constant_pacing(users / rate)
    environment = Environment(user_classes=[PacedUser], host=url.rstrip("/"))
    runner = environment.create_local_runner()
    runner.start(users, spawn_rate=users)
    gevent.sleep(seconds)
    total = environment.stats.total
    print(json.dumps({"requests": total.num_requests, "p99_ms": total.get_response_time_percentile(0.99)}))
    runner.quit()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4]))
