"""The tools beside which the engine is put, and what each of them says of itself. Owns their commands and how to read
their output; starts no server.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from harness.bench.clients import pinned
from harness.engine.config import CannonConfig
from harness.engine.prepared import NAME, PreparedJourney, write_requests
from harness.engine.process import run_cannon
from harness.errors import EnvironmentNotReady
from harness.stack import tools

OBJECTIVE_MS = 100.0
"""The engine's word: its own lag may be a tenth of this. The wait that is measured is a second."""
UNITS_MS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}
K6 = """import http from "k6/http";
export const options = {{
  summaryTrendStats: ["p(99)"],
  scenarios: {{ one: {{ executor: "constant-arrival-rate", rate: {rate}, timeUnit: "1s", duration: "{seconds}s",
    preAllocatedVUs: {users}, maxVUs: {users} }} }},
}};
export default () => http.get("{url}");
"""


@dataclass(frozen=True, slots=True)
class PeerSchedule:
    """What every tool is asked for: so many requests a second for so long, over at most so many users at once."""

    url: str
    rate_rps: int
    seconds: int
    users: int
    core: int

    @property
    def endpoint(self) -> str:
        return self.url.removeprefix("http://").rstrip("/")


@dataclass(frozen=True, slots=True)
class PeerSays:
    """`rate_rps`: that it reached, by its own count; `valid`: by its own word, None where it has none; `word`: that."""

    rate_rps: float
    p99_ms: float
    valid: bool | None
    word: str


def engine(ask: PeerSchedule) -> PeerSays:
    """This project's: open loop, response from the intended time."""
    with tempfile.TemporaryDirectory(prefix="xiu-peers-") as name:
        folder = Path(name)
        request = f"GET / HTTP/1.1\r\nHost: {ask.endpoint}\r\n\r\n".encode()
        (folder / "requests").write_text(write_requests([request]))
        result = run_cannon(
            CannonConfig(
                fronts=(ask.endpoint,),
                segments=({"kind": "constant", "rate_rps": float(ask.rate_rps), "duration_s": float(ask.seconds),
                           "phase": 1},),
                tokens="", result=str(folder / "result.json"), slots=ask.users, connections=ask.users,
                taps_after_win=None, cpu=ask.core, drain_s=5.0, objective_ms=OBJECTIVE_MS, timeout_s=10.0,
                queue_timeout_s=20.0,
                shot=NAME, journey="request",
                prepared=(PreparedJourney("request", "GET", "/", str(folder / "requests")),),
            )
        )  # fmt: skip
    p99 = result.latency_ms["response"]["p99"]
    if p99 is None:
        raise EnvironmentNotReady("too few samples for a p99")
    word = "valid" if result.valid else "INVALID: " + "; ".join(result.generator["reasons"])
    return PeerSays(int(result.load["sent"]) / ask.seconds, float(p99), result.valid, word)


def locust(ask: PeerSchedule) -> PeerSays:
    """Stock FastHttpUsers with a constant pacing: closed loop, by its own table."""
    argv = [sys.executable, "-m", "harness.bench.peers_locust", ask.url, str(ask.users), str(ask.rate_rps)]
    said = json.loads(pinned([*argv, str(ask.seconds)], ask.core, ask.seconds + 60, {}).strip().splitlines()[-1])
    return PeerSays(said["requests"] / ask.seconds, said["p99_ms"], None, "says nothing")


def wrk(ask: PeerSchedule) -> PeerSays:
    """As fast as answers come: it takes no rate."""
    argv = [str(tools.need("wrk")), "-t1", f"-c{ask.users}", f"-d{ask.seconds}s", "--latency", ask.url]
    return wrk_said(pinned(argv, ask.core, ask.seconds + 30, {}))


def wrk_said(text: str) -> PeerSays:
    """From its output. Raises EnvironmentNotReady for another."""
    p99, rate = re.search(r"^\s*99%\s+([\d.]+)(us|ms|s|m)$", text, re.M), re.search(r"Requests/sec:\s+([\d.]+)", text)
    if p99 is None or rate is None:
        raise EnvironmentNotReady(f"wrk said: {text.strip()[-300:]}")
    return PeerSays(float(rate[1]), float(p99[1]) * UNITS_MS[p99[2]], None, "says nothing, and takes no rate")


def vegeta(ask: PeerSchedule) -> PeerSays:
    """Constant rate; latency from the moment at which a request was sent."""
    program = str(tools.need("vegeta"))
    with tempfile.TemporaryDirectory(prefix="xiu-peers-") as name:
        targets, result = Path(name) / "targets", Path(name) / "result"
        targets.write_text(f"GET {ask.url}\n")
        words = ("-rate", f"{ask.rate_rps}/s", "-duration", f"{ask.seconds}s", "-max-workers", str(ask.users))
        argv = [program, "attack", "-targets", str(targets), "-output", str(result), *words]
        pinned(argv, ask.core, ask.seconds + 60, {})
        return vegeta_said(pinned([program, "report", "-type", "json", str(result)], ask.core, 30, {}))


def vegeta_said(text: str) -> PeerSays:
    """From its JSON report. Raises KeyError, ValueError for another."""
    said = json.loads(text)
    word = f"success {said['success']:.2%}"
    return PeerSays(float(said["rate"]), said["latencies"]["99th"] / 1e6, None, f"says nothing of itself; {word}")


def k6(ask: PeerSchedule) -> PeerSays:
    """Constant arrival rate; what finds no free user is dropped and counted."""
    program = str(tools.need("k6"))
    with tempfile.TemporaryDirectory(prefix="xiu-peers-") as name:
        script, summary = Path(name) / "one.js", Path(name) / "summary.json"
        script.write_text(K6.format(rate=ask.rate_rps, seconds=ask.seconds, users=ask.users, url=ask.url))
        argv = [program, "run", "--quiet", "--no-usage-report", "--summary-export", str(summary), str(script)]
        pinned(argv, ask.core, ask.seconds + 90, {})
        return k6_said(summary.read_text())


def k6_said(text: str) -> PeerSays:
    """From its exported summary. Raises KeyError, ValueError for another."""
    metrics = json.loads(text)["metrics"]
    dropped = int(metrics.get("dropped_iterations", {}).get("count", 0))
    word = f"{dropped:,} dropped" if dropped else "none dropped"
    return PeerSays(
        float(metrics["http_reqs"]["rate"]), float(metrics["http_req_duration"]["p(99)"]), not dropped, word
    )


PEERS: dict[str, Callable[[PeerSchedule], PeerSays]] = {
    "engine": engine, "locust": locust, "wrk": wrk, "vegeta": vegeta, "k6": k6,
}  # fmt: skip
