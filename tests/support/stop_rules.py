"""Stop rules as plans have them, and rows of readings as a run would give them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from harness.guard.stop import Reading
from harness.runs.state import MoneySample
from plans.models.stress import (
    StopAboveAge,
    StopAboveCount,
    StopAboveFactor,
    StopAboveQuery,
    StopAboveShare,
    StopAboveTime,
)
from plans.signals.shape import QueryAnswers

ERRORS = StopAboveShare(signal="error_share", above="10%", window="5s", min_samples=100)
P99 = StopAboveTime(signal="response_p99", above="1s", window="2s", min_samples=100)
DELAY = StopAboveTime(signal="credit_delay_p99", above="1s", window="2s", min_samples=100)
AGE = StopAboveAge(signal="oldest_award_age", above="60s", window="2s", min_samples=1)
FEN = StopAboveCount(signal="imbalance_fen", above=0)
PENDING = StopAboveCount(signal="pending_awards", above=10, window="3s", min_samples=3)
QUERY = StopAboveQuery(signal="promql", query="sum(up)", above=-2.5, window="2s", min_samples=2)
LIVE = StopAboveFactor(signal="live_p99", above="1.2x", window="2s", min_samples=100)
BALANCES = StopAboveShare(signal="error_share", journey="balances", above="10%", window="5s", min_samples=100)
SLOW = StopAboveTime(signal="response_p99", journey="balances", above="1s", window="2s", min_samples=100)
Rows = list[Reading]


def share(signal: str) -> StopAboveShare:
    return StopAboveShare(signal=signal, above="10%", window="5s", min_samples=100)


def taps(count: int, **per_second: int) -> Rows:
    """One reading a second; each named count grows by so much a second. `s429` is a refusal's status."""
    rows = []
    for t in range(count):
        grown = {name: step * t for name, step in per_second.items()}
        status = {name[1:]: grown.pop(name) for name in list(grown) if name.startswith(("s4", "s5"))}
        rows.append(Reading(t_s=float(t), refused_by_status=status, **grown))  # type: ignore[arg-type]
    return rows


def looks(*values: float | None, of: str, every_s: float = 1.0) -> Rows:
    """Two readings for each sample of the money: the cannon tells more often than anybody looks at the stores."""
    rows = []
    for k, value in enumerate(values):
        money = MoneySample(**{of: value}, at_s=k * every_s)  # type: ignore[arg-type]
        rows += [Reading(k * every_s, money=money), Reading(k * every_s + every_s / 2, money=money)]
    return rows


def delays(*upto_s: float) -> Rows:
    """Each second 100 more awards, all posted within so many seconds."""
    rows, seen = [], dict.fromkeys((0.1, 1.0, 10.0, float("inf")), 0.0)
    for t, took_s in enumerate(upto_s):
        seen = {edge: count + (100 if took_s <= edge else 0) for edge, count in seen.items()}
        rows.append(Reading(float(t), money=MoneySample(credit_delay=dict(seen))))
    return rows


USUAL: Mapping[float, float] = {0.01: 990.0, 0.02: 1_000.0, float("inf"): 1_000.0}
"""A thousand wins of the public before the load, with a p99 of 10 ms."""


def live(*p99_ms: float, base: Mapping[float, float] | None = USUAL, wins: int = 1000) -> Rows:
    """Each second so many wins of the public, with such a p99 within the bucket of 10 to 20 ms."""
    rows, seen = [], {0.01: 0.0, 0.02: 0.0, float("inf"): 0.0}
    for t, ms in enumerate(p99_ms):
        # Of a thousand, so many up to 10 ms that the 990th of those in the bucket stands at p99_ms.
        quick = (0.99 - (ms - 10) / 10) / (1 - (ms - 10) / 10) if ms < 20 else 0.0
        seen = {edge: count + wins * (quick if edge == 0.01 else 1) for edge, count in seen.items()}
        rows.append(Reading(float(t), money=MoneySample(live_append=dict(seen), live_baseline=base)))
    return rows


def beside(rows: Rows, name: str = "balances") -> Rows:
    """The same counts as those of a journey, while the taps do well."""
    return [Reading(row.t_s, answered=10_000 * int(row.t_s), journeys={name: row}) for row in rows]


def slow(count: int) -> Rows:
    return [Reading(float(t), response_us=((2_000_000, 1000 * t),)) for t in range(count)]


def pairs(**lag_us: int) -> Callable[[float], tuple[tuple[int, int], ...]]:
    return lambda t: tuple((int(edge[1:]), int(count * t)) for edge, count in lag_us.items())


def lags(count: int, **lag_us: int) -> Rows:
    of = pairs(**lag_us)
    return [Reading(float(t), lag_us=of(t)) for t in range(count)]


def asked(*values: float | None, query: str = "sum(up)", at_s: float | None = None) -> Rows:
    """One reading a second; None: Prometheus gave no value. `at_s`: when all of them were taken."""
    return [
        Reading(
            float(t), asked=QueryAnswers(float(t) if at_s is None else at_s, {} if value is None else {query: value})
        )
        for t, value in enumerate(values)
    ]
