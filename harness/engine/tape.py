"""The tape: what happened to each request ("tap") of one worker, in preallocated columns.

The hot path writes single cells. Columns are ``array`` objects for quick single cells, and numpy views of the same
memory for everything else.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from harness.engine.schedule import ScheduleError

NEVER = (1 << 63) - 1
TICKETS_MAX = 2_000
"""Tickets of one worker that are kept, the first ones that it saw: a sample is enough to play with."""


def _zeros(code: str, length: int) -> array[int]:
    cells = array(code, bytes(array(code).itemsize * length))
    return cells


def _cells(code: str, values: npt.NDArray[np.int64] | npt.NDArray[np.int32]) -> array[int]:
    cells = array(code)
    cells.frombytes(values.tobytes())
    return cells


@dataclass(slots=True)
class Tape:
    """``intended`` has one cell more, NEVER, so that the pacer needs no bounds check. All times CLOCK_MONOTONIC ns.

    ``planned`` taps of the ``capacity`` are in the plan; a new plan version may use the rest.
    """

    intended: array[int]
    connection: array[int]
    user: array[int]
    kinds: npt.NDArray[np.uint8]
    phases: npt.NDArray[np.uint8]
    journeys: npt.NDArray[np.uint8]
    planned: int
    reached: array[int] = field(init=False)
    sent: array[int] = field(init=False)
    done: array[int] = field(init=False)
    code: array[int] = field(init=False)
    award: array[int] = field(init=False)
    """Of each tap: the place in ``awards`` of the award in its answer, or 0."""
    awards: dict[tuple[int, int], int] = field(default_factory=dict)
    """(packet, fen) → place from 1 on: each distinct award once, however often it was shown."""
    tickets: dict[str, None] = field(default_factory=dict)
    """Of losing taps, in the order in which they were seen, each once."""
    notes: dict[int, str] = field(default_factory=dict)
    """Of requests that others follow, by place: what their answers said, until the follow-ups have taken it."""

    def __post_init__(self) -> None:
        taps = self.capacity
        # Written with zeros now, because a page fault while sending would be lag of our own.
        self.reached, self.sent, self.done = (_zeros("q", taps + 1) for _ in range(3))
        self.code = _zeros("I", taps + 1)
        self.award = _zeros("i", taps + 1)

    @classmethod
    def of(
        cls,
        intended_ns: npt.NDArray[np.int64],
        connection: npt.NDArray[np.int32],
        user: npt.NDArray[np.int32],
        kind: npt.NDArray[np.uint8],
        phase: npt.NDArray[np.uint8],
        journey: npt.NDArray[np.uint8] | None = None,
    ) -> Tape:
        """``connection``, ``user`` and ``kind`` may be longer than the plan: that is the room for a later version.

        ``journey``: which journey each request is of; None: all of journey 0.
        """
        spare = len(kind) - len(intended_ns)
        journeys = np.zeros(len(kind), np.uint8)
        if journey is not None:
            journeys[: len(journey)] = journey
        intended = _cells("q", np.append(intended_ns, np.full(spare + 1, NEVER)))
        phases = np.append(phase, np.zeros(spare, np.uint8))
        return cls(intended, _cells("i", connection), _cells("i", user), kind, phases, journeys, len(intended_ns))

    def __len__(self) -> int:
        return self.planned

    @property
    def capacity(self) -> int:
        return len(self.kinds)

    @property
    def kind(self) -> npt.NDArray[np.uint8]:
        return self.kinds[: self.planned]

    @property
    def phase(self) -> npt.NDArray[np.uint8]:
        return self.phases[: self.planned]

    @property
    def journey(self) -> npt.NDArray[np.uint8]:
        return self.journeys[: self.planned]

    def first_of(self, at_ns: int, taps: int) -> int:
        """Where a plan of so many taps, in force from ``at_ns`` on, begins. Raises ScheduleError if it has no room."""
        first = int(np.searchsorted(np.frombuffer(self.intended, np.int64)[: self.planned], at_ns))
        if first + taps > self.capacity:
            raise ScheduleError(f"{first + taps} taps; this run has room for {self.capacity} (rate_headroom)")
        return first

    def replan(self, at_ns: int, intended_ns: npt.NDArray[np.int64], phase: npt.NDArray[np.uint8]) -> int:
        """Replaces what is intended from ``at_ns`` on by ``intended_ns`` (times of the clock).

        Returns the number of planned taps. Raises ScheduleError if there is no room for them.
        """
        times, first = np.frombuffer(self.intended, np.int64), self.first_of(at_ns, len(intended_ns))
        last = first + len(intended_ns)
        times[first:last], times[last:] = intended_ns, NEVER
        self.phases[first:last] = phase
        self.planned = last
        return last

    def shift(self, start_ns: int) -> None:
        """Turns offsets into times of the clock."""
        self.times(self.intended)[:] += start_ns

    def times(self, cells: array[int]) -> npt.NDArray[np.int64]:
        """numpy view of a column of times, of the planned taps."""
        return np.frombuffer(cells, np.int64, len(self))

    def codes(self) -> npt.NDArray[np.uint32]:
        return np.frombuffer(self.code, np.uint32, len(self))

    def award_place(self, tap: int, award: tuple[int, int]) -> int:
        """An answer named this award (packet, fen); returns its place."""
        place = self.awards.setdefault(award, len(self.awards) + 1)
        self.award[tap] = place
        return place

    def saw(self, ticket: str) -> None:
        """An answer had this ticket."""
        if len(self.tickets) < TICKETS_MAX:
            self.tickets[ticket] = None

    def users(self) -> npt.NDArray[np.int32]:
        return np.frombuffer(self.user, np.int32, len(self))
