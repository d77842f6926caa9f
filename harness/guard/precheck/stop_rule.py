"""Item *stop rule*: each rule of the plan is rehearsed on made-up figures, and what it reads is known to be there."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from harness.guard.precheck.shape import Checked, LoadItem, LoadRequest, StartRequest, checked, not_evaluated
from harness.guard.stop import StopRules, journey_of, subject
from harness.watch.prom import PromError, Prometheus
from plans.models.stress import LOOKS_S, StopAboveQuery, StopRule
from plans.signals import SIGNALS, Reading
from plans.signals.shape import QueryAnswers
from system.contract.places import Role

HUGE = 1_000_000_000
ASK_S = 2.0
USUAL = {1.0: 1000.0}
"""What the public waited before a made-up load."""
STATUSES = tuple(str(status) for status in range(400, 600))
ROLES: dict[str, Role] = {
    "pending_awards": "front", "imbalance_fen": "control", "live_append": "front", "live_baseline": "front",
}  # fmt: skip
"""Level → who tells it; the others are told by the credit workers."""


@dataclass(frozen=True, slots=True)
class MadeUpLevels:
    """Levels of a rehearsal: all of them known, none of them real."""

    oldest_age_s: float | None
    backlog_entries: int | None
    pending_awards: int | None
    imbalance_fen: int | None
    credit_delay: dict[float, float] = field(default_factory=dict)
    live_append: dict[float, float] = field(default_factory=dict)
    live_baseline: dict[float, float] = field(default_factory=dict)
    live_pending: int | None = None
    at_s: float | None = None


def calm(t_s: float) -> Reading:
    """Everything answered, at once."""
    count = int(t_s * HUGE)
    money = MadeUpLevels(0.0, 0, 0, 0, {0.0: float(count)}, {1.0: float(count)}, USUAL, at_s=t_s)
    return Reading(t_s, answered=count, lag_us=((0, count),), response_us=((0, count),), money=money)


def dreadful(t_s: float) -> Reading:
    """Beyond every bound that a rule could have."""
    count = int(t_s * HUGE)
    beyond = float(HUGE)
    live = {1.0: 0.0, beyond: float(count)}
    money = MadeUpLevels(beyond, HUGE, HUGE, HUGE * HUGE, {beyond: float(count)}, live, USUAL, at_s=t_s)
    slow = ((HUGE * 1_000_000, count),)
    refused = dict.fromkeys(STATUSES, 2 * count)
    return Reading(t_s, count, 2 * count, refused, lag_us=slow, response_us=slow, money=money)


def look(ask: LoadRequest) -> Iterator[Checked]:
    if not ask.rules:
        yield not_evaluated("the plan has none")
    for rule in ask.rules:
        wrong = rehearsed(rule)
        yield checked(not wrong, wrong or "it fires on figures beyond its bound, and on no others", subject(rule))
        if unread := _unread(ask, rule):
            says = f"nothing tells {subject(rule)}: no address of {', '.join(unread)}"
            elsewhere = isinstance(ask, StartRequest) and ask.elsewhere
            yield checked(False, says, subject(rule), "warning" if elsewhere else "refused")
        elif isinstance(rule, StopAboveQuery) and (refused := _not_understood(ask, rule.query)):
            yield checked(False, refused, rule.query)


def rehearsed(rule: StopRule) -> str:
    """What is wrong with a rule, in words; empty if it fires when it should, and only then."""
    for figures, fires in ((calm, False), (dreadful, True)):
        rules = StopRules([rule])
        moments = range(int(rule.window / LOOKS_S) + 3)
        fired = any(rules.feed(_asked(rule, figures(moment * LOOKS_S), fires)) is not None for moment in moments)
        if fired != fires:
            return "it does not fire on figures beyond every bound" if fires else "it fires on figures that are calm"
    return ""


def _asked(rule: StopRule, figures: Reading, beyond: bool) -> Reading:
    """With what Prometheus would have given, beyond the bound or far below it; of a journey's rule, as its counts."""
    if (journey := journey_of(rule)) is not None:
        return replace(figures, journeys={journey: figures})
    if not isinstance(rule, StopAboveQuery):
        return figures
    value = math.inf if beyond else -math.inf
    return replace(figures, asked=QueryAnswers(figures.t_s, {rule.query: value}))


def _not_understood(ask: LoadRequest, query: str) -> str:
    """Why Prometheus gives no single value, in its words; empty if it does, or has no data yet, or is away."""
    try:
        with Prometheus(ask.prometheus() or "", ASK_S) as prometheus:
            prometheus.value(query, time.time())
    except PromError as exc:
        return "" if exc.away else str(exc).splitlines()[0]
    return ""


def _unread(ask: LoadRequest, rule: StopRule) -> list[str]:
    """The parts that would tell the signal, of those whose address is not known."""
    if isinstance(rule, StopAboveQuery):
        return [] if ask.prometheus() else ["prometheus"]
    if not isinstance(ask, StartRequest):
        return []  # its rules are on what the generator counts
    roles = {ROLES.get(level, "credit") for level in SIGNALS[rule.signal].needs}
    found: list[str] = []
    for role in sorted(roles):
        places = ask.addresses.places.of(role, lane=ask.lane)
        found += [place.name for place in places if not place.metrics_url] if places else [role]
    return found


ITEM = LoadItem(
    12, "stop rule", "each stop rule of the plan: rehearsed on made-up figures, and who tells its signal",
    "a stop rule would not stop the run", look, run_alone=True,
)  # fmt: skip
