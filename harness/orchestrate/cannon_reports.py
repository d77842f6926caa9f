"""Takes the cannons' messages and the samples of money: into the run's state, and through its stop rules. Sends and
ends nothing: it returns why the run should end.

A rule sees the sum of all workers and of all rounds so far: counts and buckets are added, the highest lag stands.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from harness.guard.recovery import still_told, stop_of
from harness.guard.stop import Reading, StopRules
from harness.phrases import Sentence, sentence
from harness.runs.guarded import StopRecord
from harness.runs.state import MoneySample, RunState
from plans.models.stress import WORKERS_MAX, StopRule, WarmUp
from plans.signals.shape import QueryAnswers

Tell = Callable[[str, Sentence], None]
OPEN_DOOR_S = 0.5
"""Seconds after the planned opening in which a tap may still meet *not open yet*, because two clocks round
differently.
"""


class PromisedTimes(Protocol):
    """What users are promised."""

    @property
    def response_p99(self) -> float: ...


class WatchedPlan(Protocol):
    """What a running fire is held against, of whatever kind its plan is."""

    @property
    def warm_up(self) -> WarmUp: ...
    @property
    def stop(self) -> Sequence[StopRule]: ...
    @property
    def objectives(self) -> PromisedTimes: ...
    @property
    def opens_s(self) -> float:
        """Before this second of the plan *not open yet* is the right answer."""
        ...

    @property
    def to_be_refused(self) -> int:
        """Requests that the plan sends to be refused."""
        ...


class CannonReports:
    """The listener of one run. `tell(kind, text)` takes its events; `rated`: a person changed the rate."""

    def __init__(self, state: RunState, plan: WatchedPlan, tell: Tell) -> None:
        self._state, self._plan, self._tell = state, plan, tell
        self._rules = StopRules(plan.stop)
        self._early: dict[int, int] = {}
        self._rates: dict[int, tuple[float, float]] = {}
        self.rated = False
        self.reading: Reading | None = None
        """The newest of the round that is played."""
        self.after_stop: list[Reading] = []
        """From the one on which a stop rule fired."""
        self.refused_window: str | None = None
        """Why a cannon did not take a window of a climb."""

    def take(self, worker: int, message: dict[str, Any]) -> Sentence | None:
        """One message of a worker's cannon; the stop rule that was broken, in words, or None."""
        if message["event"] == "rate":
            self.rated = True
            self._tell("rate", sentence("rated", version=message["version"], taps=message["taps"]))
        elif message["event"] == "error" and message.get("about") == "append":
            self.refused_window = message["message"]
        elif message["event"] == "error":
            self._tell("rate_refused", sentence("rate_refused", detail=message["message"]))
        if message["event"] != "counts":
            return None
        state, seat = self._state, seat_of(self._state.round, worker)
        before = state.counts.get(seat)
        state.counts = {**state.counts, seat: message}
        playing = {place: one for place, one in state.counts.items() if place >= seat_of(state.round, 0)}
        lags = [one["lag_p99_ms"] for one in playing.values() if one["lag_p99_ms"] is not None]
        state.saturated = max(lags, default=0.0) > max(1.0, self._plan.objectives.response_p99 * 100)
        if before is not None:
            self._rate(seat, before, message)
            rates = [rate for place, rate in self._rates.items() if place in playing]
            known = len(rates) == len(playing)
            state.rate_rps = sum(answered for answered, _ in rates) if known else None
            state.planned_rps = sum(reached for _, reached in rates) if known else None
        if state.round_s <= self._plan.opens_s + OPEN_DOOR_S:
            # before the opening, *not open yet* is the right answer
            self._early[seat] = message["refused_by_status"].get("409", 0)
        if state.round_s <= 0:
            return None
        self.reading = self._reading()
        broken = self._rules.feed(self.reading)
        if self._rules.fired is not None:
            self.after_stop.append(self.reading)
        return broken

    @property
    def still_told(self) -> bool:
        """A stop rule fired whose signal is read on without a generator, and may get better."""
        return self._rules.fired is not None and still_told(self._rules.fired)

    def stop(self, samples: Sequence[tuple[float, MoneySample]], asked: Sequence[QueryAnswers]) -> StopRecord | None:
        """The stop rule that fired, and when it was kept again; None where none did. `samples`, `asked`: what else was
        read in the run, also when no cannon told anything any more.
        """
        rule, readings = self._rules.fired, self.after_stop
        if rule is None:
            return None
        last, more = readings[-1], []
        more += [replace(last, t_s=at_s, money=money) for at_s, money in samples if at_s > last.t_s]
        more += [
            replace(last, t_s=one.at_s, asked=one) for one in asked if one.at_s is not None and one.at_s > last.t_s
        ]
        return stop_of(rule, [*readings, *sorted(more, key=lambda one: one.t_s)])

    def blind(self) -> list[str]:
        """Signals of stop rules that never had a value in the run."""
        return self._rules.blind()

    def _rate(self, seat: int, before: dict[str, Any], now: dict[str, Any]) -> None:
        if span := (now["at_ns"] - before["at_ns"]) / 1e9:
            grown = [(now[key] - before[key]) / span for key in ("answered", "reached")]
            self._rates[seat] = grown[0], grown[1]

    def _reading(self) -> Reading:
        state, messages = self._state, list(self._state.counts.values())
        status: Counter[str] = Counter()
        for message in messages:
            status.update(message["refused_by_status"])
        return Reading(
            t_s=state.now_s,
            answered=state.total("answered"),
            unknown=state.outcome("unknown"),
            refused_by_status=dict(status),
            early=sum(self._early.values()),
            probes=self._plan.to_be_refused * state.round,
            lag_us=_added(message["lag_us"] for message in messages),
            response_us=_added(message["response_us"] for message in messages),
            response_sum_us=sum(message.get("response_sum_us", 0) for message in messages),
            money=state.money,
            reached=state.total("reached"),
            dropped=state.total("dropped"),
            flying=state.total("sent") - state.total("answered"),
            seen_s=tuple(at_s for one in messages if (at_s := one.get("at_s")) is not None),
            asked=state.asked,
            journeys=_journeys(messages, state.now_s),
        )


def _journeys(messages: Iterable[Mapping[str, Any]], now_s: float) -> dict[str, Reading]:
    """Of each journey over all cannons; of one's own service a part that stands beside is that of its name."""
    parts: dict[str, list[Mapping[str, Any]]] = {}
    for message in messages:
        named = {one["journey"]: one for one in (message, *message.get("beside", ())) if "journey" in one}
        for name, one in named.items():
            parts.setdefault(name, []).append(one)
    found: dict[str, Reading] = {}
    for name, ones in parts.items():
        status: Counter[str] = Counter()
        for one in ones:
            status.update(one.get("refused_by_status", {}))
        if any(
            "not as expected" not in one.get("refused_by_status", {}) and "wrong" in one["outcomes"] for one in ones
        ):
            # Of one's own service whatever is not as expected is refused, as it is for all requests together.
            bad = sum(
                sum(one["outcomes"].values()) - one["outcomes"]["good"] - one["outcomes"]["unknown"] for one in ones
            )
            status = Counter({"not as expected": bad})
        found[name] = Reading(
            t_s=now_s,
            answered=sum(one["answered"] for one in ones),
            unknown=sum(one["outcomes"].get("unknown", 0) for one in ones),
            refused_by_status=dict(status),
            response_us=_added(one["response_us"] for one in ones),
        )
    return found


def seat_of(round_: int, worker: int) -> int:
    """The number of a round's worker among all that sent counts in the run."""
    return (round_ - 1) * WORKERS_MAX + worker


def _added(blocks: Iterable[list[list[int]]]) -> tuple[tuple[int, int], ...]:
    """(upper edge in µs, count) over all cannons."""
    total: Counter[int] = Counter()
    for pairs in blocks:
        for edge, count in pairs:
            total[edge] += count
    return tuple(sorted(total.items()))
