"""A run's state in the middle of the run, and what became of it."""

from __future__ import annotations

from typing import Any

from harness.forecast.judge import Judged
from harness.forecast.target import Target
from harness.runs.record import Event
from harness.runs.state import MoneySample, RunState
from plans.models.forecast import Words

RESPONSE_US = [[500, 900], [2_500, 90], [60_000, 9], [7_000_000, 1]]


def message(**changes: Any) -> dict[str, Any]:
    """A cannon's cumulative message."""
    outcomes = {"win": 3, "lose": 980, "repeat": 2, "refused": 10, "pending": 1, "unknown": 4}
    return {
        "event": "counts", "at_ns": 5_000_000_000, "cpu_ratio": 0.25,
        "scheduled": 2_000, "reached": 1_010, "sent": 1_004, "dropped": 5, "answered": 1_000, "outcomes": outcomes,
        "response_us": RESPONSE_US, "response_sum_us": 8_000_000,
        "service_us": [[500, 1_000]], "service_sum_us": 400_000,
        "lag_us": [[100, 1_010]], "lag_sum_us": 50_000,
    } | changes  # fmt: skip


def target(
    indicator: str = "wins",
    link: str = "front-valkey",
    expected: float = 1200,
    why: str = "each packet is won once",
    name: Words | None = None,
) -> Target:
    return Target(
        indicator=indicator, link=link, cls="delivery", unit="packets",
        lower=expected - 12, expected=expected, upper=expected, why=why, name=name,
    )  # fmt: skip


def judged(actual: float | None = 1195, indicator: str = "wins", expected: float = 1200) -> Judged:
    state = "NO_DATA" if actual is None else "PASS"
    return Judged(
        indicator=indicator, link="front-valkey", lower=expected - 12, expected=expected, upper=expected,
        actual=actual, state=state,
    )  # fmt: skip


def begun() -> RunState:
    """Armed: nothing is known yet."""
    return RunState(
        run_id="20260207-200000-gala-0001", plan="gala-share", lane="stress", scale="1/10000",
        forecast_sha256="ab" * 32, duration_s=66.0, targets=(target(),), users=5_000,
    )  # fmt: skip


def in_progress() -> RunState:
    """Two cannons have told, the money was sampled."""
    state = begun()
    state.phase, state.now_s = "measured", 12.4
    state.counts = {0: message(), 1: message(cpu_ratio=0.5)}
    state.rate_rps, state.planned_rps = 34_990.4, 35_000.0
    state.money = MoneySample(
        credited_fen=123_456, suspense_fen=456, awarded_fen=123_956, budget_fen=400_560, issued_packets=371,
        backlog_entries=2, oldest_age_s=0.75,
    )  # fmt: skip
    state.events = tuple(Event(t_s=float(n), kind="note", text=f"event {n}\nits second line") for n in range(7))
    return state
