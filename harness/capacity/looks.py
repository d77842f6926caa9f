"""What was seen of each window of a climb, and of each stair as the sum of its windows. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from harness.guard.green import Colour, Why
from plans.signals import Reading
from plans.signals.shape import p99

US = 1e6


@dataclass(frozen=True, slots=True)
class WindowLook:
    """One window, seen from `from_s` to `to_s` of the round. `answered` of the requests `due` in `span_s`; `spent_s`:
    their response times together; `slow_us`: (upper edge in µs, count) of these.
    """

    stair: int
    rate_rps: float
    colour: Colour
    why: Why
    from_s: float
    to_s: float
    span_s: float
    due: int
    answered: int
    spent_s: float
    slow_us: Mapping[int, int] = field(default_factory=dict)

    @property
    def answered_rps(self) -> float:
        return self.answered / self.span_s if self.span_s > 0 else 0.0

    @property
    def in_flight(self) -> float:
        """On average, by Little's law: what each second adds to response times."""
        return self.spent_s / self.span_s if self.span_s > 0 else 0.0


def spent(first: Reading, now: Reading) -> tuple[float, dict[int, int]]:
    """Response times of the answers between two readings: their sum in seconds, and how many in each bucket."""
    grown = Counter(dict(now.response_us))
    grown.subtract(dict(first.response_us))
    return (now.response_sum_us - first.response_sum_us) / US, {edge: count for edge, count in grown.items() if count}


@dataclass(frozen=True, slots=True)
class StairLook:
    """A stair: `windows` of it, in order, one at least."""

    windows: tuple[WindowLook, ...]

    @property
    def rate_rps(self) -> float:
        return self.windows[0].rate_rps

    @property
    def colour(self) -> Colour:
        return self.windows[-1].colour

    @property
    def _own(self) -> tuple[WindowLook, ...]:
        """Windows that saw this stair alone. The first one was seen from the decision before it on, so its figures hold
        the last seconds of the stair below.
        """
        return self.windows[1:] or self.windows

    @property
    def answered_rps(self) -> float:
        span_s = sum(one.span_s for one in self._own)
        return sum(one.answered for one in self._own) / span_s if span_s > 0 else 0.0

    @property
    def due_rps(self) -> float:
        span_s = sum(one.span_s for one in self._own)
        return sum(one.due for one in self._own) / span_s if span_s > 0 else 0.0

    @property
    def p99_s(self) -> float | None:
        """Of all answers; None where there are fewer than a thousand: ten must lie beyond."""
        buckets: Counter[float] = Counter()
        for one in self.windows:
            buckets.update({float(edge): count for edge, count in one.slow_us.items()})
        found = p99(buckets)
        return found.value / US if found is not None and found.samples >= 1000 else None

    @property
    def begins_s(self) -> float:
        return self.windows[0].from_s

    @property
    def ends_s(self) -> float:
        return self.windows[-1].to_s


def stairs_of(looks: Sequence[WindowLook]) -> list[StairLook]:
    """The stairs that were played, in order."""
    numbers = sorted({one.stair for one in looks})
    return [StairLook(tuple(one for one in looks if one.stair == number)) for number in numbers]
