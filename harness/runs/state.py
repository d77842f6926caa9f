"""What is known of a run while it goes on: fed by the run loop, read by the live view and the exporter. No I/O."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from harness.forecast.judge import Judged
from harness.forecast.target import Target
from harness.phrases import Sentence
from harness.runs.record import Event
from plans.signals.shape import NO_ANSWERS, QueryAnswers
from system.contract.audit import Finding

PhaseName = Literal["idle", "warm_up", "measured", "drain", "season", "closing"]


@dataclass(frozen=True, slots=True)
class MoneySample:
    """A sample of the round's money and wins, each from its own place; None where the place did not answer.

    `credited_fen` has in it what is held in suspense, `suspense_fen`.
    """

    credited_fen: int | None = None
    suspense_fen: int | None = None
    awarded_fen: int | None = None
    budget_fen: int | None = None
    postings: int | None = None
    issued_packets: int | None = None
    backlog_entries: int | None = None
    oldest_age_s: float | None = None
    pending_awards: int | None = None
    imbalance_fen: int | None = None
    """Sum over all legs of the round's lane: 0 where its books balance."""
    credit_delay: Mapping[float, float] | None = None
    """Upper edge in seconds → awards that were posted within it, since the worker began."""
    live_append: Mapping[float, float] | None = None
    """Upper edge in seconds → appends of the public's wins that had their win log's answer within it, since the fronts
    began.
    """
    live_baseline: Mapping[float, float] | None = None
    """The same, as it was before the run's first tap."""
    live_pending: int | None = None
    """Wins of the public that have no answer of their win log yet."""
    at_s: float | None = None
    """When the sample was taken, in run seconds."""


@dataclass(slots=True)
class RunState:
    """One run. Writers replace whole values under `lock`, readers take them; nothing in it is changed in place.

    `counts`: the cannons' last cumulative message each, by worker (see `harness.engine.tally.Tally.cumulative`), those
    of earlier rounds too, so that a total never falls. `rate_rps`: answers of the last second. `now_s`: seconds since
    the run's first intended tap, negative before it. `round`, of `rounds`, is played now; `begins_s`: its first tap.
    """

    run_id: str
    plan: str
    lane: str
    scale: str
    forecast_sha256: str
    duration_s: float
    targets: tuple[Target, ...] = ()
    phase: PhaseName = "idle"
    note: str = ""
    now_s: float = 0.0
    round: int = 1
    rounds: int = 1
    begins_s: float = 0.0
    counts: dict[int, dict[str, Any]] = field(default_factory=dict)
    rate_rps: float | None = None
    planned_rps: float | None = None
    money: MoneySample = MoneySample()
    asked: QueryAnswers = NO_ANSWERS
    """What Prometheus told of the queries of stop rules."""
    saturated: bool = False
    money_of_ours: bool = True
    """Is it a red-packet system, whose money is looked at?"""
    users: int = 0
    generator_cpu: float | None = None
    events: tuple[Event, ...] = ()
    first_tap_s: float | None = None
    """Unix time of the first intended tap, once it is known; `begun_at` puts earlier events right."""
    event_times_s: list[float] = field(default_factory=list)
    judged: tuple[Judged, ...] = ()
    verdict: str = ""
    """empty while it goes on"""
    reads: int = 0
    """How often somebody has begun to read the run's metrics."""
    scraped_by: float | None = None
    """A time of `time.monotonic()` by which Prometheus has taken them up; None where no Prometheus was told of them."""
    invariants: tuple[Finding, ...] = ()
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def round_s(self) -> float:
        """Seconds since the first intended tap of the round that is played now."""
        return self.now_s - self.begins_s

    def journey(self, name: str | None = None) -> list[Mapping[str, Any]]:
        """The last counts of each worker: of the taps (None), or of a journey beside them."""
        messages = list(self.counts.values())
        if name is None:
            return list(messages)
        return [one for message in messages for one in message.get("beside", ()) if one["journey"] == name]

    @property
    def beside(self) -> list[str]:
        """The journeys beside the taps that have reported something, in the plan's order."""
        return list(dict.fromkeys(one["journey"] for message in self.journey() for one in message.get("beside", ())))

    def total(self, key: str, journey: str | None = None) -> int:
        """Sum of a cumulative count over the workers."""
        return sum(int(message.get(key, 0)) for message in self.journey(journey))

    def outcome(self, name: str, journey: str | None = None) -> int:
        """Sum of an outcome over the workers."""
        return sum(int(message["outcomes"].get(name, 0)) for message in self.journey(journey))

    def tell(self, kind: str, text: Sentence) -> Event:
        """Adds an event at the run's present time and returns it."""
        event = Event(t_s=round(self.now_s, 3), kind=kind, text=text)
        with self.lock:
            self.events = (*self.events, event)
            if self.first_tap_s is None:
                self.event_times_s.append(time.time())
        return event

    def begun_at(self, first_tap_s: float) -> None:
        """The time base is known now: earlier events are moved before the first tap, where they belong."""
        with self.lock:
            self.first_tap_s, self.now_s = first_tap_s, time.time() - first_tap_s
            moved = [event.model_copy(update={"t_s": round(at_s - first_tap_s, 3)})
                     for event, at_s in zip(self.events, self.event_times_s, strict=True)]  # fmt: skip
            self.events = tuple(moved)
