"""Stop rules on sliding windows: a plan ends itself when the system is in trouble. Pure; a signal without data never
fires and never clears. The signals themselves are in `plans/signals`, one file each.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from harness.phrases import Sentence, sentence
from plans.models.stress import StopAboveQuery, StopAboveShare, StopAboveTime, StopRule
from plans.signals import SIGNALS, Reading, Signal, Value

__all__ = ["SIGNALS", "Reading", "StopRules"]


def signal_of(rule: StopRule) -> Signal:
    """What a rule reads."""
    return _query_signal(rule.query) if isinstance(rule, StopAboveQuery) else SIGNALS[rule.signal]


def _query_signal(query: str) -> Signal:
    """A level: what the query gave when Prometheus was asked last."""

    def read(_: Reading, now: Reading) -> Value | None:
        value = now.asked.values.get(query)
        return None if value is None else Value(value, 1)

    return Signal("promql", "count", query, read, level=True, taken_s=lambda reading: reading.asked.at_s)


def subject(rule: StopRule) -> str:
    """What a rule reads, as people know it."""
    if isinstance(rule, StopAboveQuery):
        return rule.query
    journey = journey_of(rule)
    return rule.signal if journey is None else f"{rule.signal} of {journey}"


def journey_of(rule: StopRule) -> str | None:
    """The journey whose counts alone a rule reads; None: those of the taps, or of all requests."""
    return rule.journey if isinstance(rule, StopAboveShare | StopAboveTime) else None


def read_by(rule: StopRule, reading: Reading) -> Reading | None:
    """The part of a reading that a rule looks at; None where its journey has not been heard of."""
    journey = journey_of(rule)
    return reading if journey is None else reading.journeys.get(journey)


class StopRules:
    """The rules of a plan with the readings of their longest window."""

    def __init__(self, rules: Sequence[StopRule]) -> None:
        self.rules = rules
        self._readings: deque[Reading] = deque()
        self._read: set[str] = set()
        self.fired: StopRule | None = None
        """The first one that was broken."""

    def feed(self, reading: Reading) -> Sentence | None:
        """Takes a reading (later than the one before); the reason to stop in words, or None."""
        self._readings.append(reading)
        longest = max(rule.window for rule in self.rules)
        while len(self._readings) > 2 and self._readings[1].t_s <= reading.t_s - longest:
            self._readings.popleft()
        reasons = [(rule, self._broken(rule, reading)) for rule in self.rules]
        broken = next(((rule, reason) for rule, reason in reasons if reason is not None), None)
        if broken is None:
            return None
        self.fired = self.fired or broken[0]
        return broken[1]

    def blind(self) -> list[str]:
        """Signals of which nothing was ever read, though rules wait for them."""
        return sorted({subject(rule) for rule in self.rules} - self._read)

    def _broken(self, rule: StopRule, now: Reading) -> Sentence | None:
        # The newest reading that is old enough, because readings seldom fall on the window's edge.
        first = next((r for r in reversed(self._readings) if r.t_s <= now.t_s - rule.window * 0.8), None)
        signal, mine = signal_of(rule), read_by(rule, now)
        if mine is None:
            return None
        since = read_by(rule, first or self._readings[0]) or Reading(0.0)
        value = self._lowest(signal, first, now) if signal.level else signal.read(since, mine)
        if value is not None or (not signal.level and signal.unit != "factor" and signal.known(mine)):
            self._read.add(subject(rule))
        if first is None or value is None:
            return None  # the window is not full yet, or nothing is known
        if value.samples < rule.min_samples or value.value <= rule.above:
            return None
        much = "1 sample" if value.samples == 1 else f"{value.samples:,} samples"
        figures = {"value": value.value, "above": rule.above, "window_s": rule.window, "samples": value.samples}
        return sentence("stop_rule", signal=subject(rule), much=much, **figures)

    def _lowest(self, signal: Signal, first: Reading | None, now: Reading) -> Value | None:
        """Of a level the lowest in the window, each sample counted once."""
        since_s = now.t_s if first is None else first.t_s
        known: dict[float, float] = {}
        for reading in self._readings:
            value = signal.read(reading, reading) if reading.t_s >= since_s else None
            if value is not None:
                taken_s = signal.taken_s(reading)
                known[taken_s if taken_s is not None else reading.t_s] = value.value
        return Value(min(known.values()), len(known)) if known else None
