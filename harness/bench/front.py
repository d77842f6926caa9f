"""Bench ``front``: taps/s of the draw path on one core ÷ nginx ``return 200`` on that core, same client (wrk)."""

from __future__ import annotations

from harness.bench import clients, servers
from harness.bench.common import Report, Say, alternate, two_cores
from harness.errors import EnvironmentNotReady

USERS = 40_000  # so many that even a fast front sees no user tap more than seven times a second
CONNECTIONS = 100
SECONDS = 5
OK_SHARE_MIN = 0.99


def run(say: Say, *, seconds: float = SECONDS, connections: int = CONNECTIONS, users: int = USERS) -> Report:
    """Raises EnvironmentNotReady without nginx, wrk or two cores, or if answers other than 200 exceed 1 %."""
    server_core, core = two_cores()
    shares: list[float] = []
    with servers.bare_front(server_core, users) as front, servers.nginx(server_core, users) as nginx:

        def rate(target: servers.BenchTarget) -> float:
            result = clients.wrk(target, core, connections, seconds)
            if target is front:
                shares.append(result.ok_share)
                if result.ok_share < OK_SHARE_MIN:
                    raise EnvironmentNotReady(f"{result.ok_share:.1%} of the taps were answered 200; expected 99 %")
            return result.rps

        rate(front)
        samples = alternate(lambda: rate(front), lambda: rate(nginx), say)
    extra = {"users": users, "connections": connections, "ok_share": min(shares)}
    return Report("front", "taps/s", "nginx return 200", samples, extra)
