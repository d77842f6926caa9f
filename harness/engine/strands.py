"""Several journeys as one schedule: each has its own times and users, and all are merged into the one tape. Pure.

Equal times stand in the order of the journeys. A worker's part of a journey does not depend on the other journeys. Who
makes a request is dealt shortly before it is due: of a long plan, times are all that is made beforehand.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from harness.engine.schedule import ScheduleError
from harness.engine.tape import NEVER, Tape

Ints = npt.NDArray[np.int32]
Bytes = npt.NDArray[np.uint8]
Times = npt.NDArray[np.int64]
AHEAD_TAPS = 1 << 18
"""For so many requests it is known who makes them; the pacer never waits for that."""
WOVEN_TAPS = 1 << 18
"""Of one journey, merged at a time."""


class WovenJourney(Protocol):
    """One journey of one worker: when its requests are due, and who makes each, over which connection."""

    @property
    def intended_ns(self) -> Times: ...

    @property
    def phase(self) -> Bytes: ...

    @property
    def room(self) -> int:
        """Requests for which there is room: those of the plan, and of a later version."""
        ...

    def part(self, first: int, last: int) -> tuple[Ints, Ints, Bytes]:
        """Connection, user and kind of the requests [first, last)."""
        ...


@dataclass(frozen=True, slots=True)
class Strand:
    """A journey of which everything is at hand.

    `connection`, `user` and `kind` may be longer than the times: that is the room for a later version of the plan.
    """

    intended_ns: Times
    phase: Bytes
    connection: Ints
    user: Ints
    kind: Bytes

    @property
    def room(self) -> int:
        return len(self.kind)

    def part(self, first: int, last: int) -> tuple[Ints, Ints, Bytes]:
        of = slice(first, last)
        return self.connection[of], self.user[of], self.kind[of]


def tape_of(strands: Sequence[WovenJourney]) -> Tape:
    """The tape of all strands; journey k is strand k."""
    tape = Tape.blank(sum(strand.room for strand in strands), sum(len(strand.intended_ns) for strand in strands))
    intended, first = np.frombuffer(tape.intended, np.int64), 0
    for times, phases, journeys in _woven([(strand.intended_ns, strand.phase) for strand in strands]):
        last = first + len(times)
        intended[first:last], tape.phases[first:last], tape.journeys[first:last] = times, phases, journeys
        first = last
    deal(tape, strands, AHEAD_TAPS)
    return tape


def _woven(parts: Sequence[tuple[Times, Bytes]]) -> Iterator[tuple[Times, Bytes, Bytes]]:
    """Times, phases and journeys, merged by time; piece by piece."""
    places = [0] * len(parts)
    while any(place < len(times) for place, (times, _) in zip(places, parts, strict=True)):
        rest = [times[place : place + WOVEN_TAPS] for place, (times, _) in zip(places, parts, strict=True)]
        until = min(times[-1] for times in rest if len(times))
        # Of each journey all that is due by then: equal times are never in two pieces.
        ends = [int(np.searchsorted(times, until, "right")) for times, _ in parts]
        cut = [slice(place, end) for place, end in zip(places, ends, strict=True)]
        times = np.concatenate([of[part] for part, (of, _) in zip(cut, parts, strict=True)])
        phases = np.concatenate([of[part] for part, (_, of) in zip(cut, parts, strict=True)])
        journeys = np.repeat(np.arange(len(parts), dtype=np.uint8), [part.stop - part.start for part in cut])
        order = np.argsort(times, kind="stable")
        yield times[order], phases[order], journeys[order]
        places = ends


def deal(tape: Tape, strands: Sequence[WovenJourney], until: int) -> None:
    """Writes down who makes the requests before `until`, as far as they are planned, and takes memory for their
    answers.
    """
    first, last = tape.dealt, min(until, tape.planned)
    if last <= first:
        return
    tape.begun = tape.begun or [0] * len(strands)
    connection, user = np.frombuffer(tape.connection, np.int32), np.frombuffer(tape.user, np.int32)
    journeys = tape.journeys[first:last]
    for number, strand in enumerate(strands):
        mine = np.flatnonzero(journeys == number) + first if len(strands) > 1 else np.arange(first, last)
        begun = tape.begun[number]
        tape.begun[number] = begun + len(mine)
        connection[mine], user[mine], tape.kinds[mine] = strand.part(begun, begun + len(mine))
    tape.hold(first, last)
    tape.dealt = last


def replan(tape: Tape, strands: Sequence[WovenJourney], at_ns: int, intended_ns: Times, phase: Bytes) -> int:
    """Replaces what journey 0 intends from ``at_ns`` on (times of the clock); the other journeys go on as planned.

    Returns the number of planned requests. Raises ScheduleError if there is no room for them.
    """
    if len(strands) == 1:
        last = tape.replan(at_ns, intended_ns, phase)
        deal(tape, strands, tape.dealt + AHEAD_TAPS)
        return last
    first, room = tape.first_of(at_ns, 0), strands[0].room
    taps = int((tape.journey[:first] == 0).sum()) + len(intended_ns)
    if taps > room:
        raise ScheduleError(f"{taps} taps; this run has room for {room} (rate_headroom)")
    kept = np.flatnonzero(tape.journey[first:]) + first
    times = np.concatenate([intended_ns, tape.times(tape.intended)[kept]])
    phases = np.concatenate([phase, tape.phase[kept]])
    journeys = np.concatenate([np.zeros(len(intended_ns), np.uint8), tape.journey[kept]])
    order = np.argsort(times, kind="stable")
    _write(tape, first, times[order], phases[order], journeys[order])
    if first < tape.dealt:
        tape.dealt = first
        tape.begun = [int((tape.journey[:first] == number).sum()) for number in range(len(strands))]
    deal(tape, strands, tape.dealt + AHEAD_TAPS)
    return tape.planned


def append(tape: Tape, strands: Sequence[WovenJourney], windows: Sequence[tuple[Times, Bytes]]) -> int:
    """Adds what each journey intends behind everything that is planned: its times (of the clock) and phases.

    No cell of a planned request is touched. Returns the number of planned requests. Raises ScheduleError if there is no
    room for them, or they begin before the plan's end.
    """
    beside = [int(np.count_nonzero(tape.journey == number)) for number in range(1, len(strands))]
    begun = [tape.planned - sum(beside), *beside]
    for number, (mine, _) in enumerate(windows):
        if begun[number] + len(mine) > (room := strands[number].room):
            raise ScheduleError(f"{begun[number] + len(mine)} requests of journey {number}; there is room for {room}")
    times = np.concatenate([mine for mine, _ in windows])
    order = np.argsort(times, kind="stable")
    if tape.planned and len(times) and times[order[0]] < tape.intended[tape.planned - 1]:
        raise ScheduleError("a window that begins before the plan's end")
    journeys = np.repeat(np.arange(len(strands), dtype=np.uint8), [len(mine) for mine, _ in windows])
    _write(tape, tape.planned, times[order], np.concatenate([phase for _, phase in windows])[order], journeys[order])
    deal(tape, strands, tape.dealt + AHEAD_TAPS)
    return tape.planned


def _write(tape: Tape, first: int, times: Times, phases: Bytes, journeys: Bytes) -> None:
    """What is planned from `first` on, which is the plan's end then."""
    last, every = first + len(times), np.frombuffer(tape.intended, np.int64)
    every[first:last], every[last] = times, NEVER
    tape.phases[first:last], tape.journeys[first:last] = phases, journeys
    tape.planned = last
