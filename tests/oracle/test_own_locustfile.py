"""Oracle of somebody's own locustfile: a service that freezes shows in the response of its tasks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.bench.locustfile import fired
from harness.engine.process import CannonResult
from tests.support.firing_range import CANNON_CORE, Freeze, target, valid

pytestmark = pytest.mark.serial

TASKS = """\
from locust import FastHttpUser, task


class Asker(FastHttpUser):
    @task
    def ask(self):
        self.client.get("/hello")
"""
PLAN = """\
kind: stress
id: freeze
title: Freeze
target: {{locustfile: mine.py, host: "http://{address}", users: 8}}
rate: 100/s
warm_up: {{duration: 1s, share: 100%}}
steps: [{{kind: constant, share: 100%, duration: 10s}}]
objectives: {{response_p99: 500ms}}
"""


def test_a_frozen_service_shows_in_the_response_of_tasks_and_not_in_their_service(tmp_path: Path) -> None:
    """100/s for 10 s on eight users, the service stopped for 1 s: of 1,000 tasks the 50th slowest began half a second
    after the stop, the 10th a tenth of a second: p95 0.5 s, p99 0.9 s.
    """
    freezes: list[Freeze] = []

    def fire() -> CannonResult:
        with target(tmp_path, "delay") as server:
            freeze = Freeze(server.pid)
            freezes.append(freeze)

            def heard(_: int, message: dict[str, Any]) -> None:
                if message["event"] == "counts" and message["sent"] > 300:
                    freeze.begin()  # the measured part has begun

            try:
                plan = PLAN.format(address=server.address)
                return fired(TASKS, plan, CANNON_CORE, realtime=True, on_message=heard)
            finally:
                freeze.ended()

    result = valid(fire)
    response, service = result.latency_ms["response"], result.latency_ms["service"]
    lasted_ms = freezes[-1].lasted_ms
    assert response["p95"] == pytest.approx(lasted_ms - 500, rel=0.05)
    assert response["p99"] == pytest.approx(lasted_ms - 100, rel=0.05)
    assert service["p99"] < 50, "eight tasks alone were in flight: service time hides the freeze"
    assert result.load["sent"] == 1_100
    assert result.outcomes["good"] == 1_100
