"""What the system said to those outside during a stress run, by its own counts: how often the stress lane called its
doubles, and whether a call went astray, in either direction. Judges nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from harness.runs.guarded import OutsideProof
from harness.watch.prom import PromError, read_metrics
from system.contract.parties import CALL_OUTCOMES
from system.contract.places import Place, Role

CALLERS: tuple[Role, ...] = ("play", "credit")
FIGURE = "hongbao_outside_calls_total"
TRIES = 3
Counts = Mapping[tuple[str, str], float]
"""(lane, outcome) → calls, of one process."""


class OutsideCalls:
    """The counts of every process that calls outside, before and after."""

    def __init__(self, places: Iterable[Place]) -> None:
        self._places = [place for place in places if place.role in CALLERS and place.metrics_url]
        self._before = {place.name: _read(place) for place in self._places}

    def proof(self) -> OutsideProof | None:
        """What was counted since; None where one of them cannot be read now, or could not be then."""
        counted: dict[tuple[str, str], int] = {}
        for place in self._places:
            before, after = self._before[place.name], _read(place)
            if before is None or after is None:
                return None
            for key, now in after.items():
                was = before.get(key, 0.0)
                # One that was started again meanwhile counts from 0.
                counted[key] = counted.get(key, 0) + int(now - was if now >= was else now)
        if not counted:
            return None
        return OutsideProof(
            calls=sum(counted.get(("stress", outcome), 0) for outcome in ("answered", "unknown", "crossed")),
            denied=counted.get(("stress", "denied"), 0),
            into_party=counted.get(("stress", "crossed"), 0),
            into_double=counted.get(("live", "crossed"), 0),
        )


def _read(place: Place) -> Counts | None:
    """The counts of a process; None where it does not tell."""
    for _ in range(TRIES):
        try:
            samples = read_metrics(f"{(place.metrics_url or '').rstrip('/')}/metrics")
        except PromError:
            continue
        found: dict[tuple[str, str], float] = {}
        for (name, labels), value in samples.items():
            key = dict(labels)
            if name == FIGURE and key.get("outcome") in CALL_OUTCOMES:
                at = key.get("lane", ""), key["outcome"]
                found[at] = found.get(at, 0.0) + value
        return found
    return None
