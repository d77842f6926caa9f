"""Bench ``tickets``: taps for each CPU-second of a front in a round whose losing taps carry tickets ÷ in one without.

All rounds are one front's, and nobody wins in any; the generator's own gun fires, a fixed number of taps at two of them
in turn. ``generator`` is the same ratio for the gun, which looks known answers up and has to read those with a ticket.
``control`` compares rounds without tickets: what the measurement makes of no difference at all. Which of two rounds is
made first is worth 1 % (its memory lies elsewhere): so in half of all pairs it is the value, in half the anchor.
"""

from __future__ import annotations

from contextlib import AsyncExitStack

import uvloop

from harness.bench import servers, volley
from harness.bench.common import Report, Say, two_cores
from harness.bench.paired import middle

USERS = 40_000
CONNECTIONS = 100
TAPS = 200
TURNS = 10
PAIRS = 150
GIVEN, OTHER, PLAIN, GIVEN_AFTER, OTHER_AFTER = 11, 12, 13, 14, 15
"""Rounds in the order in which they are made: with tickets, without; the anchor; with tickets, without."""
SEASON = 1


def run(
    say: Say, *, pairs: int = PAIRS, turns: int = TURNS, taps: int = TAPS, connections: int = CONNECTIONS,
    users: int = USERS,
) -> Report:  # fmt: skip
    """Raises EnvironmentNotReady where processes cannot be pinned, or if a tap does not lose."""
    core, _ = two_cores()
    losing = (GIVEN, SEASON), (OTHER, 0), (PLAIN, 0), (GIVEN_AFTER, SEASON), (OTHER_AFTER, 0)
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
    async with AsyncExitStack() as opened:
        given, other, plain, given_after, other_after = [
            await opened.enter_async_context(volley.opened(front, number, every, connections))
            for number in (GIVEN, OTHER, PLAIN, GIVEN_AFTER, OTHER_AFTER)
        ]
        every_one = given, other, plain, given_after, other_after
        for one in every_one:
            await one.fire(users)  # a user's first tap costs the front more, and must not count for one side alone
        first = pairs // 2
        found = await volley.in_turn(given, plain, first, turns, taps)
        found += await volley.in_turn(given_after, plain, pairs - first, turns, taps)
        say(f"{pairs} pairs with tickets and without")
        control = await volley.in_turn(other, plain, first, turns, taps)
        control += await volley.in_turn(other_after, plain, pairs - first, turns, taps)
        say(f"{pairs} pairs without tickets on either side")
        for one in every_one:
            one.check()
        return found, control, given.tickets + given_after.tickets
