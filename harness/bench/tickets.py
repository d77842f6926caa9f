"""Bench ``tickets``: taps for each CPU-second of a front in a round whose losing taps carry tickets ÷ in one without.

Both rounds are one front's, and nobody wins in either; the generator's own gun fires, a fixed number of taps at each in
turn. ``generator`` is the same ratio for the gun, which looks known answers up and has to read those with a ticket.
``control`` compares two rounds without tickets: what the measurement makes of no difference at all.
"""

from __future__ import annotations

import uvloop

from harness.bench import servers, volley
from harness.bench.common import Report, Say, two_cores
from harness.bench.paired import middle

USERS = 40_000
CONNECTIONS = 100
TAPS = 200
TURNS = 10
PAIRS = 150
GIVEN, PLAIN, OTHER = 11, 12, 13
"""Rounds: with tickets, and two without."""
SEASON = 1


def run(
    say: Say, *, pairs: int = PAIRS, turns: int = TURNS, taps: int = TAPS, connections: int = CONNECTIONS,
    users: int = USERS,
) -> Report:  # fmt: skip
    """Raises EnvironmentNotReady where processes cannot be pinned, or if a tap does not lose."""
    core, _ = two_cores()
    losing = (GIVEN, SEASON), (PLAIN, 0), (OTHER, 0)
    with servers.bare_front(core, users, losing=losing) as front, volley.one_core(core, [front.pid]):
        given, control, tickets = uvloop.run(_fire(say, front, pairs, turns, taps, connections))
    front_pairs = tuple((one.front_rate, other.front_rate) for one, other in given)
    extra = {
        "generator": middle([(one.gun_rate, other.gun_rate) for one, other in given]).document(),
        "control": middle([(one.front_rate, other.front_rate) for one, other in control]).document(),
        "control_generator": middle([(one.gun_rate, other.gun_rate) for one, other in control]).document(),
        "front_calls_a_tap": [round(sum(one.calls for one in side) / sum(one.taps for one in side), 4)
                              for side in zip(*given, strict=True)],
        "tickets_seen": tickets,
        "taps_a_pair": turns * taps,
        "users": users,
        "connections": connections,
    }  # fmt: skip
    return Report("tickets", "taps/CPU-s", "a round without a season, same front", front_pairs, extra, paired=True)


async def _fire(
    say: Say, front: servers.BenchTarget, pairs: int, turns: int, taps: int, connections: int
) -> tuple[volley.Pairs, volley.Pairs, int]:
    users = len(front.tokens.read_bytes().split())
    every = taps * 2 * pairs * turns + users
    async with (
        volley.opened(front, GIVEN, every, connections) as given,
        volley.opened(front, PLAIN, every, connections) as plain,
        volley.opened(front, OTHER, every, connections) as other,
    ):
        for one in (given, plain, other):
            await one.fire(users)  # a user's first tap costs the front more, and must not count for one side alone
        found = await volley.in_turn(given, plain, pairs, turns, taps)
        say(f"{pairs} pairs with tickets and without")
        control = await volley.in_turn(other, plain, pairs, turns, taps)
        say(f"{pairs} pairs without tickets on either side")
        for one in (given, plain, other):
            one.check()
        return found, control, given.tickets
