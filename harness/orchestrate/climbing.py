"""Leads a climb while it is fired: readings of the cannons in, orders of windows out. Sends nothing itself.

What is decided is told as an event. Acting never depends on that: the order goes out first.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from harness.capacity.looks import WindowLook, spent
from harness.capacity.signs import SystemSample
from harness.engine.schedule import pieces_of
from harness.forecast.share import Share
from harness.guard.climb import ENDS, ClimbPath, Ladder, LoadWindow, Move
from harness.guard.green import Why, WindowBounds, WindowGrade, grade
from harness.guard.seen import figures_of
from harness.guard.windows import WindowLine, write_window
from harness.phrases import Sentence, sentence
from harness.watch.usage import UsageSample
from plans.models.steps import BaseClimb
from plans.models.stress import StressPlan
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
        climb: ClimbPath,
        bounds: WindowBounds,
        workers: int,
        order: Callable[[LoadWindow], None],
        tell: Callable[[str, Sentence], None],
    ) -> None:
        self.climb = climb
        self.looks: list[WindowLook] = []
        """What was seen of each window that was decided."""
        self.usage: list[UsageSample] = []
        """What each part used meanwhile, where that is told."""
        self.told: list[SystemSample] = []
        """What else parts told of themselves."""
        self._seen_s = 0.0
        self._bounds, self._workers, self._order, self._tell = bounds, workers, order, tell
        self._mark: Reading | None = None
        self.grade: WindowGrade | None = None
        """Of the last window that was looked at."""
        self.trouble: WindowGrade | None = None
        """Of the last one of this stair that was not green: why the climb does not go on."""
        self.late = False
        """A decision came too late for its window to be ordered: this host was the limit."""

    def take(self, reading: Reading, now_s: float, *, halted: bool = False) -> None:
        """A reading at `now_s` from the round's first intended tap; decides where that is due."""
        climb = self.climb
        if now_s <= climb.windows[0].begins_s:
            self._mark, self._seen_s = reading, now_s  # of the warm-up
        if not climb.due(now_s):
            return
        window = climb.last
        first = self._mark or Reading(0.0)
        bounds = self._bounds
        figures = figures_of(
            first, reading, climb.planned, bounds.response_s, self._workers, now_s, bounds.each
        )  # fmt: skip
        self._mark = reading
        self.grade = found = grade(figures, bounds)
        spent_s, buckets = spent(first, reading)
        self.looks.append(
            WindowLook(
                window.stair, window.rate_rps, found.colour, found.why, self._seen_s, now_s, figures.span_s,
                figures.planned, figures.answered, spent_s, buckets,
            )
        )  # fmt: skip
        self._seen_s = now_s
        if found.colour != "green":
            self.trouble = found
        self.late = now_s > window.ends_s - AHEAD_S
        after = climb.take(found.colour, halted=halted or self.late)
        if after is not None:
            self._order(after)
        move = climb.moves[-1][2]
        if move == "advance":
            self.trouble = None
        data = {"version": window.version, "stair": window.stair + 1, "rate_rps": window.rate_rps}
        said = sentence("window_seen", seen=sentence(SEEN[found.why]), move=sentence(MOVES[move]), **data)
        self._tell("climb_over" if move in ENDS else "window", said)


def path_of(plan: StressPlan, share: Share) -> ClimbPath | None:
    """The climb of a plan at this share of the event, at its foot; None of a plan that is none."""
    stretch = plan.stretch(share.duration_s)
    return None if plan.climb is None else path_up(plan.climb, share.peak_rps, plan.warm_up.duration, stretch)


def path_up(step: BaseClimb, peak_rps: float, begins_s: float, stretch: float = 1.0) -> ClimbPath:
    """A climb at its foot, `begins_s` from the first request on; all its times multiplied by `stretch`."""
    ladder = Ladder(step.stairs, step.hold, step.patience)
    return ClimbPath(step.rates_rps(peak_rps, stretch), ladder, step.window * stretch, begins_s)


def leader_of(
    plan: StressPlan, share: Share, workers: int, folder: Path, tell: Callable[[str, Sentence], None]
) -> ClimbLeader | None:
    """Who leads the climb of a plan, with its orders in the run's folder; None of a plan that is none."""
    path = path_of(plan, share)
    if path is None:
        return None
    bounds = WindowBounds(plan.objectives.response_p99, plan.objectives.errors)
    return led(path, bounds, workers, folder, tell)


def led(
    path: ClimbPath,
    bounds: WindowBounds,
    workers: int,
    folder: Path,
    tell: Callable[[str, Sentence], None],
    parts: Sequence[float] = (1.0,),
) -> ClimbLeader:
    """Who leads it, with its orders in the run's folder. `parts`: of the rate, what each journey has."""

    def order(window: LoadWindow) -> None:
        write_window(folder, WindowLine(window.version, [window.segments(part) for part in parts]))

    return ClimbLeader(path, bounds, workers, order, tell)


def rate_plan(plan: StressPlan, share: Share, workers: int, headroom: float) -> dict[str, Any]:
    """What the cannons are told of the taps' rate at the beginning, as fields of their order: all of it, or of a climb
    the warm-up and its first window, with room for the longest climb. Beyond the peak more people tap, not faster ones:
    these would meet their limit.
    """
    segments, path = plan.segments(share.peak_rps, share.duration_s), path_of(plan, share)
    if path is None:
        return {"segments": tuple(segments), "rate_headroom": headroom, "slots": share.tapping_at_once}
    more = max(1.0, max(path.rates_rps) / share.peak_rps)
    warm = [segment for segment in segments if segment["phase"] == 0]
    warm_taps = sum(piece.taps for segment in warm for piece in pieces_of([segment]))
    green = sum(piece.taps for piece in pieces_of(segments))
    return {
        "segments": (*warm, *path.windows[0].segments()),
        "slots": min(share.users, math.ceil(share.tapping_at_once * more - 1e-6)),
        "goes_on": True,
        "room": path.room(warm_taps, workers),
        "expected": int(green),
    }
