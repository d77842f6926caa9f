"""A run's load step by step, and what a climb found, as they stand in `run.json`. Pure data."""

from __future__ import annotations

from typing import Literal

from harness.runs.base import Record
from harness.runs.capacity import CapacityAnswer
from harness.runs.percentiles import Percentiles


class Step(Record):
    """One stretch of the load, by intended time from the first tap on. `response_p99_ms`: of its worst second.

    `seen`: of a stair of a climb, green where it was `held` (green as long as a stair must be), else the colour of its
    last window that was not; null of any other step.
    """

    kind: str
    phase: Literal["warm-up", "measured"]
    starts_s: float
    duration_s: float
    from_rps: float
    to_rps: float
    scheduled: int | None = None
    sent: int | None = None
    response_p99_ms: float | None = None
    seen: Literal["green", "unclear", "red"] | None = None
    held: bool | None = None


class FrontResult(Record):
    """One front's part of a run's measured taps, by the generator's own records. `front`: its place in the topology."""

    front: int
    users: int
    sent: int
    wins: int
    unknown: int
    response_ms: Percentiles


class Capacity(Record):
    """What a climb found, both ends measured: the rate of the highest stair that was held, and of the red stair above
    it at which the climb ended (null where none was red). The knee lies between them. `peak_rps`: what was asked for.
    """

    held_rps: float | None
    red_rps: float | None
    peak_rps: float
    answer: CapacityAnswer | None = None
    """What follows from it, each figure with its grade; null in records of before."""
