"""Stop rules on sliding windows: a plan ends itself when the system is hurt. Pure; a signal without data never fires
and never clears.

`SIGNALS` is every signal there is, with how it is read: the plan's model accepts these names and no other.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from harness.phrases import said
from harness.runs.state import Money
from plans.models.stress import StopRule

PROBE_STATUS = ("401", "403", "421")
"""What a probe with a token that is no good is answered."""
LATE_US = 10_000
"""A tap that the generator sends so late is late (`harness.engine.health.LATE_MS`)."""

Pairs = tuple[tuple[int, int], ...]
"""(upper edge in µs, count), as the cannon tells them: cumulative over the run, not over the edges."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What stands at one moment; every count is of the run so far. `early`: 409s that came before the round opened;
    `probes`: how many the plan sends, each to be refused. `money`: the last sample, None in it: not known.
    """

    t_s: float
    answered: int = 0
    unknown: int = 0
    refused_by_status: Mapping[str, int] = field(default_factory=dict)
    early: int = 0
    probes: int = 0
    lag_us: Pairs = ()
    response_us: Pairs = ()
    money: Money = field(default_factory=Money)

    @property
    def refused(self) -> int:
        """Every definite refusal."""
        return sum(self.refused_by_status.values())

    @property
    def errors(self) -> int:
        """Taps without a right answer: unknown, and refusals that no plan expects. Expected are the limit of a client,
        a door not open yet, and what probes are told.
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
    """`read(first, now)`: of what came between two readings; None where nothing is known of it. `level`: what stands at
    a moment, so that a rule asks whether it stood above its bound at every sample of the window.
    """

    name: str
    unit: Literal["share", "time", "age", "count"]
    says: str
    read: Callable[[Reading, Reading], Value | None]
    level: bool = False
    known: Callable[[Reading], bool] = lambda reading: True
    """Is anything told that it is read from? Nothing that happened is known, too."""


def _share(part: Callable[[Reading], int]) -> Callable[[Reading, Reading], Value | None]:
    def read(first: Reading, now: Reading) -> Value | None:
        answered = now.answered - first.answered
        return Value((part(now) - part(first)) / answered, answered) if answered else None

    return read


def _late(first: Reading, now: Reading) -> Value | None:
    sent = sum(count for _, count in now.lag_us) - sum(count for _, count in first.lag_us)
    return Value((now.late - first.late) / sent, sent) if sent else None


def _response_p99(first: Reading, now: Reading) -> Value | None:
    before = dict(first.response_us)
    fresh = {edge / 1e6: count - before.get(edge, 0) for edge, count in now.response_us}
    return _p99(fresh)


def _credit_delay_p99(first: Reading, now: Reading) -> Value | None:
    before, after = first.money.credit_delay, now.money.credit_delay
    if before is None or after is None:
        return None
    fresh: dict[float, float] = {}
    below = 0.0
    for edge in sorted(after):
        upto = after[edge] - before.get(edge, 0.0)
        fresh[edge], below = upto - below, upto
    if any(count < 0 for count in fresh.values()):
        return None  # the worker began anew and forgot what it had counted
    return _p99(fresh)


def _p99(fresh: Mapping[float, float]) -> Value | None:
    """At the upper edge of its bucket; awards beyond the last edge are above every bound."""
    total, seen = sum(fresh.values()), 0.0
    for edge in sorted(fresh):
        seen += fresh[edge]
        if total and seen >= 0.99 * total:
            return Value(edge, int(total))
    return None


def _level(name: str, unit: Literal["age", "count"], says: str, of: Callable[[Money], float | None]) -> Signal:
    def read(_: Reading, now: Reading) -> Value | None:
        value = of(now.money)
        return None if value is None else Value(value, 1)

    return Signal(name, unit, says, read, level=True)


def _imbalance(money: Money) -> float | None:
    return None if money.imbalance_fen is None else abs(money.imbalance_fen)


SIGNALS: dict[str, Signal] = {
    signal.name: signal
    for signal in (
        Signal("error_share", "share", "taps unknown, or refused against the plan, of those answered",
               _share(lambda reading: reading.errors)),
        Signal("unknown_share", "share", "taps that may have happened, of those answered",
               _share(lambda reading: reading.unknown)),
        Signal("refused_share", "share", "taps refused, for whatever reason, of those answered",
               _share(lambda reading: reading.refused)),
        Signal("late_share", "share", "taps that the generator sent more than 10 ms late, of those sent", _late),
        Signal("response_p99", "time", "response time of the window", _response_p99),
        Signal("credit_delay_p99", "time", "win to balance, of awards posted in the window", _credit_delay_p99,
               known=lambda reading: reading.money.credit_delay is not None),
        _level("oldest_award_age", "age", "age of the oldest award not yet posted", lambda money: money.oldest_age_s),
        _level("backlog_entries", "count", "entries of the win log not yet posted",
               lambda money: money.backlog_entries),
        _level("pending_awards", "count", "awards whose append has no verdict yet, over all fronts",
               lambda money: money.pending_awards),
        _level("imbalance_fen", "count", "sum over all legs of the lane, either way", _imbalance),
    )
}  # fmt: skip


class StopRules:
    """The rules of a plan with the readings of their longest window."""

    def __init__(self, rules: Sequence[StopRule]) -> None:
        self.rules = rules
        self._readings: deque[Reading] = deque()
        self._told: set[str] = set()

    def feed(self, reading: Reading) -> str | None:
        """Takes a reading (later than the one before); the reason to stop in words, or None."""
        self._readings.append(reading)
        longest = max(rule.window for rule in self.rules)
        while len(self._readings) > 2 and self._readings[1].t_s <= reading.t_s - longest:
            self._readings.popleft()
        reasons = [self._broken(rule, reading) for rule in self.rules]
        return next((reason for reason in reasons if reason is not None), None)

    def blind(self) -> list[str]:
        """Signals of which nothing was ever read, though rules wait for them."""
        return sorted({rule.signal for rule in self.rules} - self._told)

    def _broken(self, rule: StopRule, now: Reading) -> str | None:
        # The newest reading that is old enough: readings come when they come, seldom on the window's edge.
        first = next((r for r in reversed(self._readings) if r.t_s <= now.t_s - rule.window * 0.8), None)
        signal = SIGNALS[rule.signal]
        value = self._lowest(signal, first, now) if signal.level else signal.read(first or self._readings[0], now)
        if value is not None or (not signal.level and signal.known(now)):
            self._told.add(signal.name)
        if first is None or value is None:
            return None  # the window is not full yet, or nothing is known
        if value.samples < rule.min_samples or value.value <= rule.above:
            return None
        much = "1 sample" if value.samples == 1 else f"{value.samples:,} samples"
        figures = {"value": value.value, "above": rule.above, "window_s": rule.window, "samples": value.samples}
        return said("stop_rule", signal=rule.signal, much=much, **figures)

    def _lowest(self, signal: Signal, first: Reading | None, now: Reading) -> Value | None:
        """Of a level the lowest in the window, each sample of the money counted once."""
        since_s = now.t_s if first is None else first.t_s
        known: dict[float, float] = {}
        for reading in self._readings:
            value = signal.read(reading, reading) if reading.t_s >= since_s else None
            if value is not None:
                known[reading.money.at_s if reading.money.at_s is not None else reading.t_s] = value.value
        return Value(min(known.values()), len(known)) if known else None
