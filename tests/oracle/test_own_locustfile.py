"""Oracle of somebody's own locustfile: a service that freezes shows in the response of its tasks."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from typing import Any

import pytest

from harness.bench.locustfile import fired
from harness.engine.process import CannonResult
from tests.support.firing_range import CANNON_CORE, target, valid

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


class Freeze:
    """Stops a process for a second, once the measured part has begun."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._thread = threading.Thread(target=self._freeze)
        self._begun = False

    def heard(self, _: int, message: dict[str, Any]) -> None:
        if message["event"] == "counts" and message["sent"] > 300 and not self._begun:
            self._begun = True
            self._thread.start()

    def ended(self) -> None:
        if self._begun:
            self._thread.join()

    def _freeze(self) -> None:
        os.kill(self._pid, signal.SIGSTOP)
        try:
            threading.Event().wait(1.0)
        finally:
            os.kill(self._pid, signal.SIGCONT)


def test_a_frozen_service_shows_in_the_response_of_tasks_and_not_in_their_service(tmp_path: Path) -> None:
    """100/s for 10 s on eight users, the service stopped for 1 s: p95 0.5 s, p99 0.9 s."""

    def fire() -> CannonResult:
        with target(tmp_path, "delay") as server:
            freeze = Freeze(server.pid)
            try:
                plan = PLAN.format(address=server.address)
                return fired(TASKS, plan, CANNON_CORE, realtime=True, on_message=freeze.heard)
            finally:
                freeze.ended()

    result = valid(fire)
    response, service = result.latency_ms["response"], result.latency_ms["service"]
    assert response["p95"] == pytest.approx(500, rel=0.05)
    assert response["p99"] == pytest.approx(900, rel=0.05)
    assert service["p99"] < 50, "eight tasks alone were in flight: service time hides the freeze"
    assert result.load["sent"] == 1_100
    assert result.outcomes["good"] == 1_100
