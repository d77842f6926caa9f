"""Leads a climb while it is fired: readings of the cannons in, orders of windows out. Sends nothing itself.

What is decided is told as an event. Acting never depends on that: the order goes out first.
"""

from __future__ import annotations

from collections.abc import Callable

from harness.guard.climb import ENDS, Climb, LoadWindow, Move
from harness.guard.green import Why, WindowBounds, grade
from harness.guard.seen import figures_of
from harness.phrases import Sentence, sentence
from plans.signals import Reading

AHEAD_S = 1.0
"""What a cannon asks of an order; one that goes out later than this is none."""
SEEN: dict[Why, str] = {
    "green": "seen_green",
    "stale": "seen_stale",
    "errors": "seen_errors",
    "late": "seen_late",
    "behind": "seen_behind",
    "slow": "seen_slow",
    "queue": "seen_queue",
    "unanswered": "seen_unanswered",
}
MOVES: dict[Move, str] = {
    "hold": "move_hold",
    "advance": "move_advance",
    "stay": "move_stay",
    "finish": "move_finish",
    "stop": "move_stop",
}


class ClimbLeader:
    """One climb's. `order(window)` brings it to every cannon; `tell(kind, text)` takes the events."""

    def __init__(
        self,
        climb: Climb,
        bounds: WindowBounds,
        workers: int,
        order: Callable[[LoadWindow], None],
        tell: Callable[[str, Sentence], None],
    ) -> None:
        self.climb = climb
        self._bounds, self._workers, self._order, self._tell = bounds, workers, order, tell
        self._mark: Reading | None = None
        self.late = False
        """A decision came too late for its window to be ordered: this host was the limit."""

    def take(self, reading: Reading, now_s: float, *, halted: bool = False) -> None:
        """A reading at `now_s` from the round's first intended tap; decides where that is due."""
        climb = self.climb
        if now_s <= climb.windows[0].begins_s:
            self._mark = reading  # of the warm-up
        if not climb.due(now_s):
            return
        window = climb.last
        first = self._mark or Reading(0.0)
        figures = figures_of(first, reading, climb.planned, self._bounds.response_s, self._workers, now_s)
        self._mark, found = reading, grade(figures, self._bounds)
        self.late = now_s > window.ends_s - AHEAD_S
        after = climb.take(found.colour, halted=halted or self.late)
        if after is not None:
            self._order(after)
        move = climb.moves[-1][2]
        data = {"version": window.version, "stair": window.stair + 1, "rate_rps": window.rate_rps}
        said = sentence("window_seen", seen=sentence(SEEN[found.why]), move=sentence(MOVES[move]), **data)
        self._tell("climb_over" if move in ENDS else "window", said)
