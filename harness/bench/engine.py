"""Bench ``engine``: the cannon's highest valid open-loop rate from one core ÷ FastHttpUser's, and ÷ wrk's.

Same server (nginx, alone on its core), same generator core, same number of connections.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable

from harness.bench import clients, servers
from harness.bench.common import Report, Say, alternate, two_cores
from harness.engine.process import CannonResult
from harness.errors import EnvironmentNotReady

CONNECTIONS = 100
RUN_S = 3.0
WARMUP_S = 0.5
STEP = 1.25
CLOSE_ENOUGH = 0.03
FIRST_RPS = 40_000.0
RESPONSE_P99_MS_MAX = 50.0


def sustained(result: CannonResult) -> bool:
    """A rate counts if the generator was not the limit, nothing was left out, and the server kept up with it."""
    load = result.load
    p99 = result.latency_ms["response"]["p99"]
    left_out = load["dropped"] + load["unsent"] + load["outcomes"]["unknown"]
    return result.valid and left_out == 0 and p99 is not None and p99 <= RESPONSE_P99_MS_MAX


def highest(holds: Callable[[float], bool], start_rps: float, close: float = CLOSE_ENOUGH) -> float:
    """Highest rate that holds: steps by a quarter, then halves the gap; 0.0 if nothing above an eighth of the start."""
    low, high = 0.0, 0.0
    rate = start_rps
    while not (low and high):
        if holds(rate):
            low = rate
            rate *= STEP
        else:
            high = rate
            rate /= STEP
            if rate < start_rps / 8:
                return 0.0
    while high / low > 1 + close:
        middle = (low + high) / 2
        if holds(middle):
            low = middle
        else:
            high = middle
    return low


def run(say: Say, *, run_s: float = RUN_S, connections: int = CONNECTIONS) -> Report:
    """Raises EnvironmentNotReady without nginx, wrk or two cores."""
    server_core, core = two_cores()
    wrk_rps: list[float] = []
    last = FIRST_RPS
    with servers.nginx(server_core) as target:

        def holds(rate_rps: float) -> bool:
            # Another program may spoil a second of a shared machine, so a rate counts as too high only after it failed
            # twice.
            return any(tried(rate_rps) for _ in range(2))

        def tried(rate_rps: float) -> bool:
            result = clients.cannon(target, core, rate_rps, connections, run_s, WARMUP_S)
            good = sustained(result)
            why = "holds" if good else f"does not hold: {'; '.join(result.generator['reasons']) or 'server limit'}"
            say(f"{rate_rps:,.0f}/s {why}; response p99 {result.latency_ms['response']['p99']} ms")
            return good

        def value() -> float:
            nonlocal last
            found = highest(holds, last)
            if not found:
                raise EnvironmentNotReady(f"no valid run from {last / 8:,.0f}/s up: something else uses the cores")
            last = found
            return found

        def anchor() -> float:
            wrk_rps.append(clients.wrk(target, core, connections, 4).rps)
            return clients.fast_http_user(target, core, connections, 4)

        samples = alternate(value, anchor, say)
    wrk_median = statistics.median(wrk_rps)
    extra = {
        "wrk_ratio": round(statistics.median(v for v, _ in samples) / wrk_median, 4),
        "wrk_value": wrk_median,
        "connections": connections,
    }
    return Report("engine", "requests/s", "Locust FastHttpUser", samples, extra)
