"""Bench ``open-loop``: p99 response at a server's share, 35,000 taps/s over 5,000 connections; lower is better.

The real draw path on one core, the cannon on the other; the anchor is the same schedule against nginx. The cannon uses
the real-time class where it may: the question is how fast the front answers, not how many daemons share the machine.
Without that right, other work shows as lag, and the sample as INVALID. An INVALID sample says nothing of the server: it
is taken again, twice at most, and ``invalid_samples`` counts them.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from harness.bench import clients, servers
from harness.bench.common import Report, Say, alternate, two_cores
from harness.engine.process import CannonResult
from harness.errors import EnvironmentNotReady

RATE_RPS = 35_000
CONNECTIONS = 5_000
USERS = 20_000
SECONDS = 20.0
WARMUP_S = 2.0
ATTEMPTS = 3
TOO_FAST = "429"


def errors(result: CannonResult) -> int:
    """Unknown and refused, except what the limiter should refuse."""
    load = result.load
    refused = int(load["outcomes"]["refused"]) - int(load["refused_by_status"].get(TOO_FAST, 0))
    return int(load["outcomes"]["unknown"]) + refused + int(load["dropped"]) + int(load["unsent"])


def run(say: Say, *, seconds: float = SECONDS, rate_rps: float = RATE_RPS, connections: int = CONNECTIONS) -> Report:
    """Raises EnvironmentNotReady without nginx or two cores, or if a sample is too short for a p99."""
    server_core, core = two_cores()
    every: list[CannonResult] = []
    kept: list[CannonResult] = []
    classes: set[str] = set()

    def p99(name: str, server: Callable[[int, int], AbstractContextManager[servers.BenchTarget]]) -> float:
        for _ in range(ATTEMPTS):
            with server(server_core, USERS) as target:  # anew: a front of the last sample has its winners already
                classes.add(servers.realtime(target.pid))
                result = clients.cannon(target, core, rate_rps, connections, seconds, WARMUP_S, realtime=True)
            every.append(result)
            response = result.latency_ms["response"]
            valid = "valid" if result.valid else f"INVALID: {'; '.join(result.generator['reasons'])}"
            say(f"{name}: response {response} ms, errors {errors(result)}, {valid}")
            if result.valid:
                break
        if name == "front":
            kept.append(result)
        if response["p99"] is None:
            raise EnvironmentNotReady(f"{seconds:g} s at {rate_rps:g}/s are too few samples for a p99")
        return float(response["p99"])

    samples = alternate(lambda: p99("front", servers.bare_front), lambda: p99("nginx", servers.nginx), say)
    extra = {
        "errors": sum(errors(result) for result in kept),
        "rate_rps": rate_rps,
        "connections": connections,
        "valid": all(result.valid for result in kept),
        "invalid_samples": sum(not result.valid for result in every),
        "scheduling": kept[0].data["scheduling"],
        "scheduling_server": " and ".join(sorted(classes)),
        "refused_too_fast": sum(int(r.load["refused_by_status"].get(TOO_FAST, 0)) for r in kept),
    }
    return Report("open-loop", "ms p99 response", "nginx return 200, same schedule", samples, extra)
