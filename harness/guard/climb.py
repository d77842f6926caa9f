"""A climb: a load that goes up stair by stair, and on only where it is green. Pure and deterministic: colours of
windows in, windows of the rate plan out. Knows no clock, no generator, and not how a window is graded.

The plan is made of windows of one length. Each begins where the one before it ends, and is decided `LEAD_S` before
that: a window that is ordered stands, and no answer moves a time of it. Where no order comes, the fire ends with the
last window: silence is the safe end.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from harness.guard.green import Colour
from plans.models.steps import WINDOW_LEAST_S

LEAD_S = 2.0
"""Seconds before a window's end at which the next one is decided: a report of the cannons, the way to each of them, and
a second left."""
ROUNDING = 1e-6
"""Requests; an integral of exactly n requests must give n, whatever the last bit of a float says."""
Move = Literal["hold", "advance", "stay", "finish", "stop"]
"""hold: green, and to be seen longer · advance: to the next stair · stay: not green, and to be seen again · finish: the
last stair was green long enough · stop: not green for too long, or somebody said so."""
ENDS: tuple[Move, ...] = ("finish", "stop")


@dataclass(frozen=True, slots=True)
class Ladder:
    """`stairs`: how many; `hold`: green windows in a row that a stair needs; `patience`: windows beyond these that it
    may have; `reds`: red windows in a row that end the climb.
    """

    stairs: int
    hold: int = 3
    patience: int = 3
    reds: int = 2

    def __post_init__(self) -> None:
        if min(self.stairs, self.hold, self.reds) < 1 or self.patience < 0:
            raise ValueError(f"{self}; expected 1 or more of each, and patience from 0 on")

    @property
    def most(self) -> int:
        """Windows of the longest climb."""
        return self.stairs * (self.hold + self.patience)


@dataclass(frozen=True, slots=True)
class ClimbState:
    """On which stair, after how many windows of it; how many of the last ones in a row were green, or red."""

    stair: int = 0
    windows: int = 0
    green: int = 0
    red: int = 0
    end: Move | None = None


@dataclass(frozen=True, slots=True)
class ClimbMove:
    """What follows a window, and the state after it."""

    move: Move
    state: ClimbState


def decide(ladder: Ladder, state: ClimbState, colour: Colour, *, halted: bool = False) -> ClimbMove:
    """The move after one more window of this colour. `halted`: a stop rule, a person or a fault wants the end.

    Raises ValueError for a climb that has ended.
    """
    if state.end is not None:
        raise ValueError(f"the climb has ended: {state.end}")
    seen = replace(
        state,
        windows=state.windows + 1,
        green=state.green + 1 if colour == "green" else 0,
        red=state.red + 1 if colour == "red" else 0,
    )
    if halted or seen.red >= ladder.reds:
        return ClimbMove("stop", replace(seen, end="stop"))
    if seen.green >= ladder.hold:
        if seen.stair == ladder.stairs - 1:
            return ClimbMove("finish", replace(seen, end="finish"))
        return ClimbMove("advance", ClimbState(seen.stair + 1))
    if seen.windows >= ladder.hold + ladder.patience:
        return ClimbMove("stop", replace(seen, end="stop"))
    return ClimbMove("hold" if colour == "green" else "stay", seen)


@dataclass(frozen=True, slots=True)
class LoadWindow:
    """A window of the rate plan: version `version` of it begins at `begins_s` from the first tap."""

    version: int
    stair: int
    rate_rps: float
    begins_s: float
    length_s: float

    @property
    def ends_s(self) -> float:
        return self.begins_s + self.length_s

    @property
    def decides_s(self) -> float:
        """When the one after it is decided."""
        return self.ends_s - LEAD_S

    def segments(self, part: float = 1.0) -> list[dict[str, Any]]:
        """As `harness.engine.schedule.pieces_of` reads them, of so large a part of the rate."""
        return [{"kind": "constant", "rate_rps": self.rate_rps * part, "duration_s": self.length_s, "phase": 1}]


class ClimbPath:
    """The windows of one climb, in the order in which they are played: what was ordered is never changed."""

    def __init__(self, rates_rps: Sequence[float], ladder: Ladder, window_s: float, begins_s: float = 0.0) -> None:
        """`rates_rps`: of each stair; `begins_s`: of the first window, from the first tap (behind the warm-up)."""
        if len(rates_rps) != ladder.stairs or min(rates_rps) <= 0:
            raise ValueError(f"{len(rates_rps)} rates for {ladder.stairs} stairs; expected one above 0 for each")
        if window_s < WINDOW_LEAST_S:
            raise ValueError(f"windows of {window_s:g} s; expected {WINDOW_LEAST_S:g} s or more, to see and to decide")
        self.rates_rps, self.ladder = tuple(rates_rps), ladder
        self.state = ClimbState()
        self.windows = [LoadWindow(0, 0, self.rates_rps[0], begins_s, window_s)]
        self.moves: list[tuple[LoadWindow, Colour, Move]] = []

    @property
    def last(self) -> LoadWindow:
        """The last window that was ordered."""
        return self.windows[-1]

    def due(self, now_s: float) -> bool:
        """Is the next window to be decided now? `now_s`: from the first tap."""
        return self.state.end is None and now_s >= self.last.decides_s

    def take(self, colour: Colour, *, halted: bool = False) -> LoadWindow | None:
        """The window that follows the last one, which was seen to have this colour; None at the climb's end."""
        window, made = self.last, decide(self.ladder, self.state, colour, halted=halted)
        self.state = made.state
        self.moves.append((window, colour, made.move))
        if made.move in ENDS:
            return None
        stair = made.state.stair
        after = LoadWindow(window.version + 1, stair, self.rates_rps[stair], window.ends_s, window.length_s)
        self.windows.append(after)
        return after

    def planned(self, at_s: float) -> int:
        """Requests of all windows that are ordered whose intended time is before `at_s`, evenly spaced as they are."""
        return sum(_until(window, at_s) for window in self.windows)

    @property
    def safe(self) -> int | None:
        """The highest stair that was green as long as it takes; None where not even the first was."""
        passed = [window.stair for window, _, move in self.moves if move in ("advance", "finish")]
        return passed[-1] if passed else None

    @property
    def taps_most(self) -> float:
        """Requests of the longest climb: for so many there must be room."""
        one = self.ladder.hold + self.ladder.patience
        return sum(rate * one * self.last.length_s for rate in self.rates_rps)

    def room(self, warm_taps: float, workers: int, part: float = 1.0) -> int:
        """Of so large a part of the rate, behind so many requests of the warm-up; each worker may have one more in
        each window.
        """
        return int(warm_taps + self.taps_most * part) + (self.ladder.most + 1) * workers


def _until(window: LoadWindow, at_s: float) -> int:
    """The k-th request of a window is due k intervals after its beginning, the first one at once."""
    passed_s = min(max(at_s - window.begins_s, 0.0), window.length_s)
    return math.ceil(passed_s * window.rate_rps - ROUNDING)
