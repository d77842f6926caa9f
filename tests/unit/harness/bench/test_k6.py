"""k6's own rate is read from its summary, and the engine's three shots understand what this server answers them."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from harness.bench import k6
from harness.bench.peers_tools import PEERS
from harness.engine.answers import outcomes_of
from harness.engine.process import CannonResult
from harness.engine.shots import find
from harness.errors import EnvironmentNotReady
from harness.stack import tools


def summary(failed: float) -> str:
    return json.dumps({"metrics": {"http_reqs": {"rate": 5120.5}, "http_req_failed": {"value": failed}}})


def test_its_rate_is_read() -> None:
    assert k6.k6_said(summary(0.0)) == 5120.5


def test_a_rate_with_failed_requests_is_none() -> None:
    with pytest.raises(EnvironmentNotReady, match=r"25\.00% of the requests of k6 failed"):
        k6.k6_said(summary(0.25))


@pytest.mark.parametrize("name", k6.SHOTS[1:])
def test_an_answer_of_the_server_is_a_good_one(name: str) -> None:
    shot = find(name)
    parsed = shot.understand(200, k6.ANSWERS[shot.route].encode())
    (place,) = outcomes_of(np.array([parsed.code], np.uint32))
    assert shot.outcomes[place] in shot.good


def test_each_peer_that_is_no_python_package_is_a_known_tool() -> None:
    assert set(PEERS) - {"engine", "locust"} <= set(tools.KNOWN)
    assert all(not tools.KNOWN[name].needed for name in ("wrk", "vegeta", "k6"))


def part(unknown: int = 0) -> dict[str, Any]:
    load = {"dropped": 0, "unsent": 0, "outcomes": {"unknown": unknown}}
    return {"load": load, "latency_ms": {"response": {"p99": 2.0}}}


@pytest.mark.parametrize(
    ("unknown", "valid", "holds"),
    [((0, 0), True, True), ((0, 1), True, False), ((1, 0), True, False), ((0, 0), False, False)],
)
def test_a_rate_holds_if_each_journey_does(unknown: tuple[int, int], valid: bool, holds: bool) -> None:
    taps, beside = (part(number) for number in unknown)
    data = taps | {"beside": [beside], "generator": {"valid": valid}}
    assert k6.all_sustained(CannonResult(data)) is holds
