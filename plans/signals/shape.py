"""What a signal is, and what it is read from. Pure; owns no signal.

A signal compares two readings: the first and the last of a window. An unknown figure is None, never zero.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Literal, NamedTuple, Protocol, get_args

PROBE_STATUS = ("401", "403", "421")
"""The answers that a probe with a bad token gets."""
LATE_US = 10_000
"""A tap that the generator sends later than this is late (`harness.engine.health.LATE_MS`)."""

Unit = Literal["share", "time", "age", "count", "factor"]
Pairs = tuple[tuple[int, int], ...]
"""(upper edge in µs, count), as the cannons report them: cumulative over the run, not over the edges."""


class Levels(Protocol):
    """Levels at one moment, as processes report them (`harness.runs.state.MoneySample`); None where none reported."""

    @property
    def oldest_age_s(self) -> float | None: ...
    @property
    def backlog_entries(self) -> int | None: ...
    @property
    def pending_awards(self) -> int | None: ...
    @property
    def imbalance_fen(self) -> int | None: ...
    @property
    def credit_delay(self) -> Mapping[float, float] | None: ...
    @property
    def live_append(self) -> Mapping[float, float] | None: ...
    @property
    def live_baseline(self) -> Mapping[float, float] | None: ...
    @property
    def live_pending(self) -> int | None: ...
    @property
    def at_s(self) -> float | None: ...


@dataclass(frozen=True, slots=True)
class NoFigures:
    """Has nothing been reported yet?"""

    oldest_age_s: float | None = None
    backlog_entries: int | None = None
    pending_awards: int | None = None
    imbalance_fen: int | None = None
    credit_delay: Mapping[float, float] | None = None
    live_append: Mapping[float, float] | None = None
    live_baseline: Mapping[float, float] | None = None
    live_pending: int | None = None
    at_s: float | None = None


class QueryAnswers(NamedTuple):
    """What Prometheus gave at one moment, by query; what it did not give is missing. None: it was never asked."""

    at_s: float | None = None
    values: Mapping[str, float] = MappingProxyType({})


NO_ANSWERS = QueryAnswers()


_LEVELS = tuple(each.name for each in fields(NoFigures))
_NAME, _SPOKEN = re.compile(r"[a-z][a-z0-9_]*"), re.compile(r"[a-z][a-z0-9 ]*")


@dataclass(frozen=True, slots=True)
class Reading:
    """The figures of one moment; every count is of the run so far, over all workers.

    `early`: 409s that came before the round opened; `probes`: how many the plan sends, each to be refused. `money`: the
    last sample; None in it means not known. `reached`: by the pacer; `dropped`: of these never sent; `flying`: sent,
    and without an answer yet. `seen_s`: the time of each worker's counts, in seconds from the first intended tap of the
    round. `journeys`: of each journey, or of each request of one's own service, its own counts.
    """

    t_s: float
    answered: int = 0
    unknown: int = 0
    refused_by_status: Mapping[str, int] = field(default_factory=dict)
    early: int = 0
    probes: int = 0
    lag_us: Pairs = ()
    response_us: Pairs = ()
    response_sum_us: int = 0
    money: Levels = field(default_factory=NoFigures)
    reached: int = 0
    dropped: int = 0
    flying: int = 0
    seen_s: tuple[float, ...] = ()
    asked: QueryAnswers = NO_ANSWERS
    journeys: Mapping[str, Reading] = field(default_factory=dict)

    @property
    def refused(self) -> int:
        """Every definite refusal."""
        return sum(self.refused_by_status.values())

    @property
    def errors(self) -> int:
        """Taps without a right answer: unknown, and refusals that no plan expects. Expected are the limit of a client,
        a round that is not open yet, and the answers to probes.
        """
        at_probes = sum(self.refused_by_status.get(status, 0) for status in PROBE_STATUS)
        limited = self.refused_by_status.get("429", 0)
        return self.unknown + self.refused - at_probes - limited - self.early + max(0, at_probes - self.probes)

    @property
    def late(self) -> int:
        return sum(count for edge, count in self.lag_us if edge > LATE_US)


class Value(NamedTuple):
    """A signal over a window, and how many samples it is made of."""

    value: float
    samples: int


@dataclass(frozen=True, slots=True)
class Signal:
    """`read(first, now)`: computed from two readings; None where it is not known.

    `unit` factor: a multiple of what it was before the load.
    `needs`: the levels that must have been reported; empty: the generator's own counts. `level`: a figure of one
    moment, so that a rule asks whether every sample of the window was above its bound. `spoken`: other names for it in
    a rule that is one sentence; its own, with spaces for `_`, is one already. `taken_s`: when a level was sampled.
    """

    name: str
    unit: Unit
    says: str
    read: Callable[[Reading, Reading], Value | None]
    needs: tuple[str, ...] = ()
    level: bool = False
    spoken: tuple[str, ...] = ()
    taken_s: Callable[[Reading], float | None] = lambda reading: reading.money.at_s

    def __post_init__(self) -> None:
        """Raises ValueError for a declaration that no rule could be read by."""
        wrong = {
            "its name is small letters, digits and _": not _NAME.fullmatch(str(self.name)),
            f"unit {self.unit} is none of {', '.join(get_args(Unit))}": self.unit not in get_args(Unit),
            "it does not say what it is": not str(self.says).strip(),
            "its `read` cannot be called": not callable(self.read),
            f"its `needs` is a tuple, some of {', '.join(_LEVELS)}": not isinstance(self.needs, tuple)
            or not set(self.needs) <= set(_LEVELS),
            "its `spoken` is a tuple of names in small letters": not isinstance(self.spoken, tuple)
            or not all(_SPOKEN.fullmatch(str(word)) for word in self.spoken),
        }
        for what, is_so in wrong.items():
            if is_so:
                raise ValueError(f"signal {self.name}: {what}")

    def known(self, reading: Reading) -> bool:
        """Has any figure been reported that it is read from? A known 0 counts, too."""
        return all(getattr(reading.money, name) is not None for name in self.needs)


def share(part: Callable[[Reading], int]) -> Callable[[Reading, Reading], Value | None]:
    """Of the taps answered in the window, those that `part` counts."""

    def read(first: Reading, now: Reading) -> Value | None:
        answered = now.answered - first.answered
        return Value((part(now) - part(first)) / answered, answered) if answered else None

    return read


def level(of: Callable[[Levels], float | None]) -> Callable[[Reading, Reading], Value | None]:
    """What stands now."""

    def read(_: Reading, now: Reading) -> Value | None:
        value = of(now.money)
        return None if value is None else Value(value, 1)

    return read


def p99(fresh: Mapping[float, float]) -> Value | None:
    """At the upper edge of its bucket; what lies beyond the last edge is above every bound."""
    total, seen = sum(fresh.values()), 0.0
    for edge in sorted(fresh):
        seen += fresh[edge]
        if total and seen >= 0.99 * total:
            return Value(edge, int(total))
    return None
