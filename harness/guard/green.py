"""The colour of a window of load: green, red, or unclear. Pure; reads nothing. No data is never green.

What the generator did is judged apart from what the system did: a late generator makes a window unclear, not red.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Colour = Literal["green", "unclear", "red"]
Why = Literal["green", "stale", "errors", "late", "behind", "slow", "queue", "unanswered"]
QUEUE_LEAST = 10
"""Requests without an answer that say nothing yet: the counts are of one moment."""


@dataclass(frozen=True, slots=True)
class WindowFigures:
    """One window as far as it has been seen, over all workers.

    `planned`: requests that the plan intends in the time seen; `reached`: of these the pacer has reached, `late` of
    them late. `answered`: answers of whatever kind that came, `errors` and `slow` (beyond the objective) among them.
    `waiting`: due, and without an answer at the end of the time seen. `fresh`: every worker has reported in time.
    """

    span_s: float
    planned: int
    reached: int
    late: int
    answered: int
    errors: int
    slow: int
    waiting: int
    fresh: bool = True
    apart: tuple[tuple[int, int], ...] = ()
    """Of each request that has a bound of its own: how many were beyond it, and how many were answered."""


@dataclass(frozen=True, slots=True)
class WindowBounds:
    """What a green window keeps. `errors`: how many it may have, and which share; shares are of answers, or of requests
    reached.

    A window has too few answers for a percentile: not more than `slow_share` of them may be beyond `response_s`.
    `each`: the bound of a request that has one of its own.
    """

    response_s: float
    errors: int = 0
    error_share: float = 0.0
    each: Mapping[str, float] = field(default_factory=dict)
    slow_share: float = 0.01
    late_share: float = 0.01
    reached_share: float = 0.99

    def __post_init__(self) -> None:
        if min((self.response_s, *self.each.values())) <= 0 or self.errors < 0 or not 0 <= self.error_share <= 1:
            raise ValueError(f"bounds of {self.response_s} s, {self.errors} errors and {self.error_share} of all")


@dataclass(frozen=True, slots=True)
class WindowGrade:
    """A colour, and the first bound that was not kept."""

    colour: Colour
    why: Why = "green"


def grade(window: WindowFigures, bounds: WindowBounds) -> WindowGrade:
    """Green: everybody reported, the generator kept its plan, and the system its promise."""
    if not window.fresh or window.planned < 1 or window.span_s <= 0:
        return WindowGrade("unclear", "stale")
    if window.errors > bounds.errors + bounds.error_share * window.reached:
        return WindowGrade("red", "errors")
    # A response begins when it was intended, so it is slow where the generator was late: that says nothing.
    if window.late > bounds.late_share * window.reached:
        return WindowGrade("unclear", "late")
    if window.reached < int(bounds.reached_share * window.planned):
        return WindowGrade("unclear", "behind")
    if any(slow > bounds.slow_share * answered for slow, answered in ((window.slow, window.answered), *window.apart)):
        return WindowGrade("red", "slow")
    # Little's law: as many wait as come in the time of an answer. A system that answers nothing has no slow answer.
    if window.waiting > max(QUEUE_LEAST, 2 * bounds.response_s * window.planned / window.span_s):
        return WindowGrade("red", "queue")
    if window.answered < 1 or window.waiting > window.answered:
        return WindowGrade("unclear", "unanswered")
    return WindowGrade("green")
