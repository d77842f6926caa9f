"""The tape: what happened to each request ("tap") of one worker, in columns as long as the plan has room.

The hot path writes single cells. A cell takes memory from shortly before its request until the request is written off
(`harness.engine.spool`), so that a long run holds no more than a short one; ``part`` reads both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.engine.cells import Cells, blank
from harness.engine.schedule import ScheduleError

NEVER = (1 << 63) - 1
TICKETS_MAX = 2_000
"""Tickets of one worker that are kept, the first ones that it saw: a sample is enough to play with."""
COLUMNS = {"intended": "q", "reached": "q", "sent": "q", "done": "q", "code": "I", "award": "i", "user": "i"}
"""Of which a request is read back later, with their types; the single bytes beside them stay in memory."""
PART_TAPS = 1 << 16
"""Of which account is taken at once: larger arrays are given back to the system each time, and taken anew."""


def _cells(code: str, values: npt.NDArray[np.int64] | npt.NDArray[np.int32], length: int) -> Cells:
    cells = blank(code, length)
    np.frombuffer(cells, code)[: len(values)] = values
    return cells


class TapePart:
    """Requests [start, stop) of a tape as numpy columns, each read when it is first asked for."""

    def __init__(self, tape: Tape, start: int, stop: int) -> None:
        self._tape, self.start, self.stop = tape, start, stop
        self._bytes = slice(start, stop)

    def __len__(self) -> int:
        return self.stop - self.start

    @cached_property
    def intended(self) -> npt.NDArray[np.int64]:
        return self._tape.column("intended", self.start, self.stop)

    @cached_property
    def reached(self) -> npt.NDArray[np.int64]:
        return self._tape.column("reached", self.start, self.stop)

    @cached_property
    def sent(self) -> npt.NDArray[np.int64]:
        return self._tape.column("sent", self.start, self.stop)

    @cached_property
    def done(self) -> npt.NDArray[np.int64]:
        return self._tape.column("done", self.start, self.stop)

    @cached_property
    def code(self) -> npt.NDArray[np.uint32]:
        return self._tape.column("code", self.start, self.stop)

    @cached_property
    def award(self) -> npt.NDArray[np.int32]:
        return self._tape.column("award", self.start, self.stop)

    @cached_property
    def user(self) -> npt.NDArray[np.int32]:
        return self._tape.column("user", self.start, self.stop)

    @property
    def kind(self) -> npt.NDArray[np.uint8]:
        return self._tape.kinds[self._bytes]

    @property
    def phase(self) -> npt.NDArray[np.uint8]:
        return self._tape.phases[self._bytes]

    @property
    def journey(self) -> npt.NDArray[np.uint8]:
        return self._tape.journeys[self._bytes]


@dataclass(slots=True)
class Tape:
    """``intended`` has one cell more, NEVER, so that the pacer needs no bounds check. All times CLOCK_MONOTONIC ns.

    ``planned`` taps of the ``capacity`` are in the plan; a new plan version may use the rest. Who makes them is known
    of the first ``dealt``, each journey's ``begun`` of them; the first ``freed`` are in memory no more.
    """

    intended: Cells
    connection: Cells
    user: Cells
    kinds: npt.NDArray[np.uint8]
    phases: npt.NDArray[np.uint8]
    journeys: npt.NDArray[np.uint8]
    planned: int
    dealt: int = 0
    begun: list[int] = field(default_factory=list)
    freed: int = 0
    elsewhere: Callable[[str, int, int], npt.NDArray[Any]] | None = None
    """Reads cells of a column that are in memory no more."""
    reached: Cells = field(init=False)
    sent: Cells = field(init=False)
    done: Cells = field(init=False)
    code: Cells = field(init=False)
    award: Cells = field(init=False)
    """Of each tap: the place in ``awards`` of the award in its answer, or 0."""
    awards: dict[tuple[int, int], int] = field(default_factory=dict)
    """(packet, fen) → place from 1 on: each distinct award once, however often it was shown."""
    tickets: dict[str, None] = field(default_factory=dict)
    """Of losing taps, in the order in which they were seen, each once."""
    notes: dict[int, str] = field(default_factory=dict)
    """Of requests that others follow, by place: what their answers said, until the follow-ups have taken it."""

    def __post_init__(self) -> None:
        taps = self.capacity
        self.reached, self.sent, self.done, self.code, self.award = (blank(of, taps + 1) for of in "qqqIi")
        self.intended[self.planned] = NEVER

    @classmethod
    def blank(cls, room: int, planned: int) -> Tape:
        """For so many taps; what is planned is still to be written, and nobody is dealt."""
        kinds, phases, journeys = (np.zeros(room, np.uint8) for _ in range(3))
        times, wires, users = blank("q", room + 1), blank("i", room), blank("i", room)
        return cls(times, wires, users, kinds, phases, journeys, planned)

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
        room, planned = len(kind), len(intended_ns)
        journeys = np.zeros(room, np.uint8)
        if journey is not None:
            journeys[: len(journey)] = journey
        phases = np.append(phase, np.zeros(room - planned, np.uint8))
        times, wires, users = (
            _cells(*of) for of in (("q", intended_ns, room + 1), ("i", connection, room), ("i", user, room))
        )
        tape = cls(times, wires, users, kind, phases, journeys, planned)
        tape.hold(0, room)
        tape.dealt = room
        return tape

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

    def hold(self, first: int, last: int) -> None:
        """Takes the memory of what will be written of these taps: a page fault while sending is lag of our own."""
        for name in ("reached", "sent", "done", "code", "award"):
            np.frombuffer(getattr(self, name), COLUMNS[name])[first:last] = 0

    def first_of(self, at_ns: int, taps: int) -> int:
        """Where a plan of so many taps, in force from ``at_ns`` on, begins. Raises ScheduleError if it has no room."""
        # What is in memory no more reads as zero, which is before every time.
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
        times[first:last], times[last] = intended_ns, NEVER
        self.phases[first:last] = phase
        self.planned = last
        return last

    def shift(self, start_ns: int) -> None:
        """Turns offsets into times of the clock."""
        self.times(self.intended)[:] += start_ns

    def times(self, cells: Cells) -> npt.NDArray[np.int64]:
        """numpy view of a column of times, of the planned taps, as far as they are in memory."""
        return np.frombuffer(cells, np.int64, len(self))

    def codes(self) -> npt.NDArray[np.uint32]:
        """numpy view, as far as they are in memory."""
        return np.frombuffer(self.code, np.uint32, len(self))

    def column(self, name: str, start: int, stop: int) -> npt.NDArray[Any]:
        """Cells [start, stop) of one of COLUMNS, wherever they are."""
        cells = np.frombuffer(getattr(self, name), COLUMNS[name])[start:stop]
        away = min(stop, self.freed)
        if start >= away or self.elsewhere is None:
            return cells
        return np.concatenate([self.elsewhere(name, start, away), cells[away - start :]])

    def part(self, start: int, stop: int) -> TapePart:
        """Requests [start, stop), wherever they are."""
        return TapePart(self, start, min(stop, self.planned))

    def parts(self, start_ns: int = 0, second_ns: int = 0) -> Iterator[TapePart]:
        """The whole plan in parts of about ``PART_TAPS``; with ``second_ns``, none ends within a second from
        ``start_ns`` on.
        """
        first = 0
        while first < self.planned:
            last = min(first + PART_TAPS, self.planned)
            if second_ns and last < self.planned:
                last = self._second_of(last, start_ns, second_ns)
            yield self.part(first, last)
            first = last

    def _second_of(self, tap: int, start_ns: int, second_ns: int) -> int:
        """The first tap behind the second in which this one is."""
        at = int(self.column("intended", tap - 1, tap)[0])
        until, low, high = at + second_ns - (at - start_ns) % second_ns, tap, self.planned
        while low < high:
            middle = (low + high) // 2
            if int(self.column("intended", middle, middle + 1)[0]) < until:
                low = middle + 1
            else:
                high = middle
        return low

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
        """numpy view, as far as they are in memory."""
        return np.frombuffer(self.user, np.int32, len(self))
