"""The stack with the red-packet system's own processes, as `xiu up` starts it."""

from __future__ import annotations

import urllib.request
from collections.abc import Callable

from harness.stack import Stack
from tests.support.stack_parts import Received, everybody, wait_gone
from tests.support.stores import wait_until

Make = Callable[..., Stack]
PROCESSES = {"control", "front-0", "front-1", "credit-live", "credit-stress", "play"}


DEADLINE_S = 30.0


def answers(url: str) -> bool:
    """200? On a busy machine a part that is ready may be not ready for a moment."""
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def test_the_system_comes_up_tells_its_metrics_and_a_killed_front_is_back(make: Make) -> None:
    stack = make(fronts=2, with_prometheus=False)
    heard = Received(stack)
    with stack:
        at = stack.addresses
        assert set(stack.pids()) >= PROCESSES
        urls = [*at.front_metrics_urls, at.control_url, at.play_url, *at.credit_metrics_urls.values()]
        assert len(urls) == len(PROCESSES)
        for url in urls:
            for page in ("metrics", "healthz", "readyz"):
                wait_until(lambda at=f"{url}/{page}": answers(at), DEADLINE_S, f"{url}/{page}")  # type: ignore[misc]
        processes = everybody(stack)
        stack.kill("front-0")
        died, back = heard.wait("front-0", "died"), heard.wait("front-0", "restarted")
        assert back.at > died.at
        wait_until(lambda: answers(f"{at.front_urls[0]}/readyz"), DEADLINE_S, "the front is ready again")
        processes = [*processes, *everybody(stack)]
    wait_gone(processes)
    assert stack.folder.read_state()["status"] == "stopped"
