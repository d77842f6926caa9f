"""Bench ``tickets``: taps/s of the draw path in a round whose losing taps carry tickets ÷ in one without a season.

Two bare fronts on one core, same client (wrk), in alternation: what tickets cost the front.
"""

from __future__ import annotations

from harness.bench import clients, servers
from harness.bench.common import Report, Say, alternate, two_cores
from harness.errors import EnvironmentNotReady

USERS = 40_000
CONNECTIONS = 100
SECONDS = 3
TIMES = 7
SEASON = 1
OK_SHARE_MIN = 0.99


def run(
    say: Say, *, seconds: float = SECONDS, connections: int = CONNECTIONS, users: int = USERS, times: int = TIMES
) -> Report:
    """Raises EnvironmentNotReady without wrk or two cores, or if answers other than 200 exceed 1 %."""
    server_core, core = two_cores()
    with (
        servers.bare_front(server_core, users, season=SEASON) as given,
        servers.bare_front(server_core, users) as none,
    ):

        def rate(target: servers.BenchTarget) -> float:
            result = clients.wrk(target, core, connections, seconds)
            if result.ok_share < OK_SHARE_MIN:
                raise EnvironmentNotReady(f"{result.ok_share:.1%} of the taps were answered 200; expected 99 %")
            return result.rps

        rate(given)
        rate(none)
        samples = alternate(lambda: rate(given), lambda: rate(none), say, times)
    extra = {"users": users, "connections": connections}
    return Report("tickets", "taps/s", "the same front in a round without a season", samples, extra)
