"""What each tool says of itself is read from its own output, and what is true follows from the server's record."""

from __future__ import annotations

import json

import pytest

from harness.bench.peers import _rows, true_p99_ms
from harness.bench.peers_tools import PEERS, PeerSays, k6_said, vegeta_said, wrk_said
from harness.errors import EnvironmentNotReady

WRK = """\
Running 5s test @ http://127.0.0.1:18000/
  1 threads and 20 connections
  Latency Distribution
     50%  {p50}
     99%  {p99}
  121034 requests in 5.00s, 9.81MB read
Requests/sec:  24206.80
"""


@pytest.mark.parametrize(("p99", "ms"), [("812.00us", 0.812), ("1.02ms", 1.02), ("1.01s", 1010.0)])
def test_wrk(p99: str, ms: float) -> None:
    said = wrk_said(WRK.format(p50="301.00us", p99=p99))
    assert (said.rate_rps, said.p99_ms, said.valid) == (24206.8, pytest.approx(ms), None)


def test_wrk_that_says_something_else_is_no_figure() -> None:
    with pytest.raises(EnvironmentNotReady, match="unable to connect"):
        wrk_said("unable to connect to 127.0.0.1:1 Connection refused")


def test_vegeta() -> None:
    said = vegeta_said(json.dumps({"rate": 500.1, "success": 1, "latencies": {"99th": 912_000_000}}))
    assert (said.rate_rps, said.p99_ms, said.valid) == (500.1, 912.0, None)
    assert said.word.endswith("success 100.00%")


@pytest.mark.parametrize(("dropped", "valid", "word"), [(0, True, "none dropped"), (1480, False, "1,480 dropped")])
def test_k6(dropped: int, valid: bool, word: str) -> None:
    metrics = {"http_reqs": {"rate": 352.0}, "http_req_duration": {"p(99)": 2.5}}
    if dropped:
        metrics["dropped_iterations"] = {"count": dropped, "rate": 1.0}
    said = k6_said(json.dumps({"metrics": metrics}))
    assert (said.rate_rps, said.p99_ms, said.valid, said.word) == (352.0, 2.5, valid, word)


@pytest.mark.parametrize(
    ("still_ms", "seconds", "p99_ms"),
    [
        pytest.param(1000.0, 10.0, 900.0, id="a tenth waited, evenly from a second down"),
        pytest.param(1000.0, 5.0, 950.0, id="a fifth waited"),
        pytest.param(40.0, 10.0, 0.0, id="less than a hundredth waited"),
    ],
)
def test_what_is_true_follows_from_the_stand_still(still_ms: float, seconds: float, p99_ms: float) -> None:
    assert true_p99_ms(still_ms, seconds) == pytest.approx(p99_ms)


def test_a_row_has_the_medians_of_a_tool_s_turns() -> None:
    turns = [(PeerSays(500.0, ms, True, "valid"), 950.0) for ms in (940.0, 951.0, 960.0)]
    (row,) = _rows({"engine": turns})
    assert row == {
        "tool": "engine", "rate_rps": 500.0, "valid": True, "word": "valid", "p99_told_ms": 951.0,
        "p99_true_ms": 950.0, "told_of_true": 1.0011,
    }  # fmt: skip
    assert list(PEERS) == ["engine", "locust", "wrk", "vegeta", "k6"]
