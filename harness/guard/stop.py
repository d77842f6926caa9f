"""Stop rules on sliding windows: a plan ends itself when the system is hurt. Pure; a signal without
data never fires and never clears.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from plans.models.stress import StopRule


@dataclass(frozen=True, slots=True)
class Reading:
    """What stands at one moment. Counts are cumulative; None: not known.

    `response_us`: cumulative [upper edge in µs, count] pairs, as the cannon tells them.
    """

    t_s: float
    answered: int = 0
    unknown: int = 0
    refused: int = 0
    late: int = 0
    response_us: tuple[tuple[int, int], ...] = ()
    oldest_award_age_s: float | None = None
    credit_delay_p99_s: float | None = None
    backlog_entries: int | None = None
    pending_awards: int | None = None
    imbalance_fen: int | None = None


@dataclass(slots=True)
class StopRules:
    """The rules of a plan with the readings of their longest window."""

    rules: Sequence[StopRule]
    _readings: deque[Reading] = field(default_factory=deque)

    def feed(self, reading: Reading) -> str | None:
        """Takes a reading (later than the one before); the reason to stop in words, or None."""
        self._readings.append(reading)
        longest = max(rule.window for rule in self.rules)
        while len(self._readings) > 2 and self._readings[1].t_s <= reading.t_s - longest:
            self._readings.popleft()
        for rule in self.rules:
            reason = self._broken(rule, reading)
            if reason is not None:
                return reason
        return None

    def _broken(self, rule: StopRule, now: Reading) -> str | None:
        # The newest reading that is old enough: readings come when they come, seldom on the window's edge.
        first = next((r for r in reversed(self._readings) if r.t_s <= now.t_s - rule.window * 0.8), None)
        if first is None:
            return None  # the window is not full yet
        value, samples = _value(rule.signal, first, now)
        if value is None or samples < rule.min_samples or value <= rule.above:
            return None
        return f"{rule.signal} {value:,.4g} above {rule.above:,.4g} over {rule.window:g} s ({samples:,} samples)"


def _value(signal: str, first: Reading, now: Reading) -> tuple[float | None, int]:
    answered = now.answered - first.answered
    shares = {
        "error_share": now.unknown - first.unknown,
        "unknown_share": now.unknown - first.unknown,
        "refused_share": now.refused - first.refused,
        "late_share": now.late - first.late,
    }
    if signal in shares:
        return (shares[signal] / answered, answered) if answered else (None, 0)
    if signal == "response_p99":
        return _p99_s(first, now), answered
    levels: dict[str, float | None] = {
        "oldest_award_age": now.oldest_award_age_s,
        "credit_delay_p99": now.credit_delay_p99_s,
        "backlog_entries": now.backlog_entries,
        "pending_awards": now.pending_awards,
        "imbalance_fen": None if now.imbalance_fen is None else abs(now.imbalance_fen),
    }
    return levels[signal], 1_000_000_000


def _p99_s(first: Reading, now: Reading) -> float | None:
    before = dict(first.response_us)
    fresh = [(edge, count - before.get(edge, 0)) for edge, count in now.response_us]
    total = sum(count for _, count in fresh)
    seen = 0
    for edge, count in sorted(fresh):
        seen += count
        if total and seen >= 0.99 * total:
            return edge / 1e6
    return None
