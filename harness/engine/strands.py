"""Several journeys as one schedule: each has its own times and users, and all are merged into the one tape. Pure.

Equal times stand in the order of the journeys. A worker's part of a journey does not depend on the other journeys.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from harness.engine.schedule import ScheduleError
from harness.engine.tape import NEVER, Tape

Ints = npt.NDArray[np.int32]
Bytes = npt.NDArray[np.uint8]
Times = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Strand:
    """One journey of one worker: when its requests are due, and who makes each, over which connection.

    `connection`, `user` and `kind` may be longer than the times: that is the room for a later version of the plan.
    """

    intended_ns: Times
    phase: Bytes
    connection: Ints
    user: Ints
    kind: Bytes


def tape_of(strands: Sequence[Strand]) -> Tape:
    """The tape of all strands; journey k is strand k."""
    first = strands[0]
    if len(strands) == 1:
        return Tape.of(first.intended_ns, first.connection, first.user, first.kind, first.phase)
    times = np.concatenate([strand.intended_ns for strand in strands])
    journey = np.repeat(np.arange(len(strands), dtype=np.uint8), [len(strand.intended_ns) for strand in strands])
    order = np.argsort(times, kind="stable")
    spare = sum(len(strand.kind) - len(strand.intended_ns) for strand in strands)

    def woven(name: str) -> npt.NDArray[np.int32]:
        cells = np.concatenate([getattr(strand, name)[: len(strand.intended_ns)] for strand in strands])[order]
        return np.append(cells, np.zeros(spare, cells.dtype))

    return Tape.of(
        times[order],
        woven("connection"),
        woven("user"),
        woven("kind").astype(np.uint8),
        np.concatenate([strand.phase for strand in strands])[order],
        journey[order],
    )


def replan(tape: Tape, strands: Sequence[Strand], at_ns: int, intended_ns: Times, phase: Bytes) -> int:
    """Replaces what journey 0 intends from ``at_ns`` on (times of the clock); the other journeys go on as planned.

    Returns the number of planned requests. Raises ScheduleError if there is no room for them.
    """
    if len(strands) == 1:
        return tape.replan(at_ns, intended_ns, phase)
    first, room = tape.first_of(at_ns, 0), len(strands[0].kind)
    taps = int((tape.journey[:first] == 0).sum()) + len(intended_ns)
    if taps > room:
        raise ScheduleError(f"{taps} taps; this run has room for {room} (rate_headroom)")
    kept = np.flatnonzero(tape.journey[first:]) + first
    times = np.concatenate([intended_ns, tape.times(tape.intended)[kept]])
    phases = np.concatenate([phase, tape.phase[kept]])
    journeys = np.concatenate([np.zeros(len(intended_ns), np.uint8), tape.journey[kept]])
    order = np.argsort(times, kind="stable")
    journeys = journeys[order]
    connection, user, kind = np.zeros(len(order), np.int32), np.zeros(len(order), np.int32), phases.copy()
    for number, strand in enumerate(strands):
        mine, begun = np.flatnonzero(journeys == number), int((tape.journey[:first] == number).sum())
        part = slice(begun, begun + len(mine))
        connection[mine], user[mine], kind[mine] = strand.connection[part], strand.user[part], strand.kind[part]
    last = first + len(order)
    every = np.frombuffer(tape.intended, np.int64)
    every[first:last], every[last:] = times[order], NEVER
    np.frombuffer(tape.connection, np.int32)[first:last] = connection
    np.frombuffer(tape.user, np.int32)[first:last] = user
    tape.kinds[first:last], tape.phases[first:last], tape.journeys[first:last] = kind, phases[order], journeys
    tape.planned = last
    return last


def append(tape: Tape, strands: Sequence[Strand], windows: Sequence[tuple[Times, Bytes]]) -> int:
    """Adds what each journey intends behind everything that is planned: its times (of the clock) and phases.

    No cell of a planned request is touched. Returns the number of planned requests. Raises ScheduleError if there is no
    room for them, or they begin before the plan's end.
    """
    beside = [int(np.count_nonzero(tape.journey == number)) for number in range(1, len(strands))]
    begun = [tape.planned - sum(beside), *beside]
    for number, (mine, _) in enumerate(windows):
        if begun[number] + len(mine) > len(strands[number].kind):
            room = len(strands[number].kind)
            raise ScheduleError(f"{begun[number] + len(mine)} requests of journey {number}; there is room for {room}")
    times = np.concatenate([mine for mine, _ in windows])
    order = np.argsort(times, kind="stable")
    first, last = tape.planned, tape.planned + len(times)
    if first and len(times) and times[order[0]] < tape.intended[first - 1]:
        raise ScheduleError("a window that begins before the plan's end")
    journeys = np.repeat(np.arange(len(strands), dtype=np.uint8), [len(mine) for mine, _ in windows])
    parts = [slice(begun[number], begun[number] + len(mine)) for number, (mine, _) in enumerate(windows)]

    def woven(name: str) -> npt.NDArray[np.int32]:
        cells = [getattr(strand, name)[part] for strand, part in zip(strands, parts, strict=True)]
        return np.concatenate(cells)[order]

    np.frombuffer(tape.intended, np.int64)[first:last] = times[order]
    np.frombuffer(tape.connection, np.int32)[first:last] = woven("connection")
    np.frombuffer(tape.user, np.int32)[first:last] = woven("user")
    tape.kinds[first:last], tape.journeys[first:last] = woven("kind"), journeys[order]
    tape.phases[first:last] = np.concatenate([phase for _, phase in windows])[order]
    tape.planned = last
    return last
