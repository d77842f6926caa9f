"""Bench ``peers``: one server that stands still once, and every tool in turn at the same rate: what each says of its
p99, and what is true by the server's own record.

The server answers at once, but for one stand-still in the middle. So every request that should have been sent meanwhile
had to wait until its end: their share and their waits follow from when it stood still and woke up, by its own clock.
"""

from __future__ import annotations

import statistics
import time
from typing import Any

from harness.bench.common import TIMES, Report, Say, two_cores
from harness.bench.peers_tools import PEERS, PeerSays, PeerSchedule
from harness.errors import EnvironmentNotReady
from harness.service.stand_in import standing_in
from harness.stack.ports import Ports
from plans.models.target_service import UrlTarget

RATE_RPS, USERS, SECONDS = 500, 20, 6.0
STILL_S = 1.0
BEGINS_S = 1.5
"""A tool needs so long to begin, at most: then the stand-still lies well within its load."""


def true_p99_ms(still_ms: float, seconds: float) -> float:
    """Of a constant rate over so long, while the server stood still so long: the slowest hundredth waited the most,
    evenly from all of it down.
    """
    return max(0.0, still_ms - 10 * seconds)


def run(say: Say, *, seconds: float = SECONDS) -> Report:
    """Raises EnvironmentNotReady without two cores, or where the engine or Locust cannot be played."""
    _, core = two_cores()
    length = max(4, round(seconds))
    told: dict[str, list[tuple[PeerSays, float]]] = {}
    missing: dict[str, str] = {}
    for turn in range(TIMES):
        for name, peer in PEERS.items():
            if name in missing:
                continue
            with Ports(["peers"]) as ports:
                url = f"http://127.0.0.1:{ports.by_name['peers']}/"
                target = UrlTarget.model_construct(url=url)
            with standing_in(target) as server:
                server.stands_still(time.time_ns() + int((BEGINS_S + length / 3) * 1e9), STILL_S)
                try:
                    said = peer(PeerSchedule(url, RATE_RPS, length, USERS, core))
                except EnvironmentNotReady as exc:
                    if name == "engine":
                        raise
                    missing[name] = str(exc).splitlines()[0]
                    say(f"{name}: left out: {missing[name]}")
                    continue
                still_ms = server.stood_still_ms()
            true = true_p99_ms(still_ms, length)
            say(f"{name} {turn + 1}: {said.rate_rps:,.0f}/s, p99 {said.p99_ms:,.1f} ms of {true:,.1f}, {said.word}")
            told.setdefault(name, []).append((said, true))
    samples = tuple((said.p99_ms, true) for said, true in told["engine"])
    extra = {"rate_rps": RATE_RPS, "seconds": length, "users": USERS, "peers": _rows(told), "left_out": missing}
    return Report("peers", "ms p99", "the server's record", samples, extra)


def _rows(told: dict[str, list[tuple[PeerSays, float]]]) -> list[dict[str, Any]]:
    """Of each tool the medians of its turns, and its last word."""
    rows: list[dict[str, Any]] = []
    for name, turns in told.items():
        p99, true = (statistics.median(values) for values in zip(*((s.p99_ms, t) for s, t in turns), strict=True))
        last = turns[-1][0]
        rows.append(
            {"tool": name, "rate_rps": round(statistics.median(s.rate_rps for s, _ in turns), 1), "valid": last.valid,
             "word": last.word, "p99_told_ms": round(p99, 3), "p99_true_ms": round(true, 3),
             "told_of_true": round(p99 / true, 4) if true else None}
        )  # fmt: skip
    return rows
