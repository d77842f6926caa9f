"""A rate that a person changes while a plan runs: a small file in the run's folder, watched by each pilot.

Pure but for that file. Knows no cannon: it makes the segments, the pilot hands them over.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from harness.engine.schedule import pieces_of
from plans.models.targets import TargetSystem

FILE = "rate"
GRANT_FILE = "granted.json"
LEAD_S = 1.0
"""Seconds until every pilot has seen the file, so that all workers change at one moment."""
LONGER = (1.0, 3.0, 6.0)
"""Times the lead, where a worker saw an order too late: it is given anew to all of them."""


@dataclass(frozen=True, slots=True)
class RateOrder:
    """`taps_per_s` of all workers together, from `at_wall_ns` to the end of the plan."""

    version: int
    taps_per_s: int
    at_wall_ns: int


@dataclass(frozen=True, slots=True)
class Granted:
    """What the allow-list grants a run: the highest rate, and its highest rise within a second; None: no limit."""

    rate_max: float | None = None
    step_max: float | None = None

    @classmethod
    def by(cls, entries: Iterable[TargetSystem]) -> Granted:
        """By the entries to which a run's addresses belong: where several say something, the least."""
        every = tuple(entries)
        steps = [entry.step_max for entry in every if entry.step_max is not None]
        return cls(min((entry.rate_max for entry in every), default=None), min(steps, default=None))


def write_grant(run: Path, grant: Granted) -> None:
    """Keeps it beside the run. Raises OSError."""
    (run / GRANT_FILE).write_text(json.dumps(asdict(grant)))


def beyond(run: Path, taps_per_s: int, now_rps: float | None) -> str:
    """What a changed rate would go beyond, in words; empty where it keeps to what is granted. `now_rps`: the rate at
    this moment, None where it is not known: then a rise is taken to begin at nothing.
    """
    try:
        grant = Granted(**json.loads((run / GRANT_FILE).read_text()))
    except FileNotFoundError:
        return ""  # fired by hand, on this host
    if grant.rate_max is not None and taps_per_s > grant.rate_max:
        return f"{taps_per_s:,} taps/s; the allow-list grants {grant.rate_max:,.0f}"
    step = taps_per_s - (now_rps or 0.0)
    if grant.step_max is not None and step > grant.step_max:
        return f"{step:,.0f} taps/s more within a second; the allow-list grants {grant.step_max:,.0f}"
    return ""


def read_rate(run: Path) -> RateOrder | None:
    """The newest order of a run; None if nobody changed its rate."""
    try:
        return RateOrder(**json.loads((run / FILE).read_text()))
    except FileNotFoundError:
        return None


def write_rate(run: Path, taps_per_s: int, lead_s: float = LEAD_S) -> RateOrder:
    """Gives the next order, whole or not at all, for a moment so far ahead."""
    before = read_rate(run)
    version = before.version + 1 if before else 1
    order = RateOrder(version, taps_per_s, time.time_ns() + int(lead_s * 1e9))
    draft = run / f".{FILE}.new"
    draft.write_text(json.dumps(asdict(order)))
    draft.replace(run / FILE)
    return order


def rest_of(segments: list[dict[str, Any]], passed_s: float, taps_per_s: int) -> list[dict[str, Any]]:
    """The rest of a plan at a constant rate, warm-up and measured apart. Empty when nothing is left of it."""
    pieces = pieces_of(segments)
    out: list[dict[str, Any]] = []
    for phase in (0, 1):
        start = sum(piece.duration_s for piece in pieces if piece.phase < phase)
        end = start + sum(piece.duration_s for piece in pieces if piece.phase == phase)
        left_s = end - max(start, passed_s)
        if left_s > 0:
            out.append({"kind": "constant", "rate_rps": float(taps_per_s), "duration_s": left_s, "phase": phase})
    return out
