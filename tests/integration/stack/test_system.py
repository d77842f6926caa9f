"""The stack with the red-packet system's own processes, as `xiu up` starts it."""

from __future__ import annotations

import urllib.request
from collections.abc import Callable

from harness.stack import Stack
from tests.support.stack_parts import Received, everybody, wait_gone

Make = Callable[..., Stack]
PROCESSES = {"control", "front-0", "front-1", "credit-live", "credit-stress", "play"}


def status(url: str) -> int:
    with urllib.request.urlopen(url, timeout=5) as answer:
        return int(answer.status)


def test_the_system_comes_up_tells_its_metrics_and_a_killed_front_is_back(make: Make) -> None:
    stack = make(fronts=2, with_prometheus=False)
    heard = Received(stack)
    with stack:
        at = stack.addresses
        assert set(stack.pids()) >= PROCESSES
        urls = [*at.front_metrics_urls, at.control_url, at.play_url, *at.credit_metrics_urls.values()]
        assert len(urls) == len(PROCESSES)
        for url in urls:
            assert [status(f"{url}/{page}") for page in ("metrics", "healthz", "readyz")] == [200, 200, 200], url
        processes = everybody(stack)
        stack.kill("front-0")
        died, back = heard.wait("front-0", "died"), heard.wait("front-0", "restarted")
        assert back.at > died.at
        assert status(f"{at.front_urls[0]}/readyz") == 200
        processes = [*processes, *everybody(stack)]
    wait_gone(processes)
    assert stack.folder.read_state()["status"] == "stopped"
