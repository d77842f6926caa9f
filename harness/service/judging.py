"""Forecast against actual of a run against one's own service: what is expected is locked before the first request, and
judged after the last answer by the same rules as that of an event.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from harness.engine.schedule import per_second, pieces_of
from harness.forecast.lock import Lock
from harness.forecast.target import TOLERANCE, Class, Target
from harness.orchestrate import figures
from harness.watch.prom import PromError, Prometheus
from plans.models.service import Foreseen, ServicePlan

LINK, ASKED = "client-service", "prometheus"
SETTLES_S = 2.0
"""Seconds after the last answer in which a Prometheus that reads once a second has read the end of the load."""
CLASSES: Mapping[str, Class] = {"offered_rps": "demand", "answered_rps": "delivery"}
"""Of the generator's indicators; all others are of quality: less is better."""
MADE = "the plan's own: the rate it sends, and what it promises"


def targets_of(plan: ServicePlan) -> tuple[Target, ...]:
    """What follows from the plan, and what its forecast says instead or beside."""
    told = {one.name: one for one in plan.forecast.indicators} if plan.forecast is not None else {}
    rate, promised = held_rps(plan), plan.objectives
    p99_ms = promised.response_p99 * 1000
    own = (
        Target(indicator="offered_rps", link=LINK, cls="demand", unit="1/s", why=MADE,
               lower=rate * (1 - TOLERANCE), expected=rate, upper=rate * (1 + TOLERANCE)),
        Target(indicator="answered_rps", link=LINK, cls="delivery", unit="1/s", why=MADE,
               lower=rate * (1 - TOLERANCE), expected=rate, upper=rate * (1 + TOLERANCE)),
        Target(indicator="response_p99_ms", link=LINK, cls="quality", unit="ms", why=MADE,
               lower=0, expected=p99_ms, upper=p99_ms),
        Target(indicator="error_share", link=LINK, cls="quality", unit="1", why=MADE,
               lower=0, expected=promised.errors, upper=promised.errors),
    )  # fmt: skip
    # A promise stands, whatever is foreseen: its band ends at the smaller of the two.
    bounds = {"response_p99_ms": p99_ms, "error_share": promised.errors}
    shown = tuple(_foreseen(told[one.indicator], bounds) if one.indicator in told else one for one in own)
    known = {one.indicator for one in own}
    return (*shown, *(_foreseen(one, bounds) for name, one in told.items() if name not in known))


def _foreseen(one: Foreseen, bounds: Mapping[str, float]) -> Target:
    upper = min(one.high, bounds.get(one.name, one.high))
    asked = one.query is not None
    return Target(
        indicator=one.name,
        link=ASKED if asked else LINK,
        cls="delivery" if asked else CLASSES.get(one.indicator, "quality"),
        unit=one.unit or ("" if asked else unit_of(one.indicator)),
        lower=min(one.low, upper),
        expected=min(one.mid, upper),
        upper=upper,
        why=f"foreseen in the plan: {one.query}" if asked else "foreseen in the plan",
    )


def unit_of(indicator: str) -> str:
    """Of the generator's own."""
    return "1/s" if indicator.endswith("_rps") else "ms" if indicator.endswith("_ms") else "1"


def held_rps(plan: ServicePlan) -> float:
    """The rate of the busiest whole second: the peak, unless the plan stays there for less."""
    planned = per_second(pieces_of(plan.segments()))
    return min(plan.rate, float(planned.max(initial=0.0))) or plan.rate


def lock_of(plan: ServicePlan) -> Lock:
    """Plan and targets, with their hash. It holds `${NAME}`, never what the environment says."""
    sealed = Lock(
        locked_at=datetime.now(UTC).isoformat(timespec="seconds"),
        scale="1",
        duration_s=plan.measured_s,
        seed=plan.seed,
        forecast=plan.forecast.model_dump(mode="json") if plan.forecast is not None else {},
        plan=plan.model_dump(mode="json"),
        targets=targets_of(plan),
    )
    return sealed.model_copy(update={"sha256": sealed.digest()})


def actuals_of(plan: ServicePlan, whole: Mapping[str, Any] | None) -> dict[str, float | int | None]:
    """What the generator measured, of each of its indicators; `whole`: all requests added up, each under `beside`."""
    if whole is None:
        return {}
    found = dict(_measured(whole))
    found["offered_rps"], found["answered_rps"] = figures.peak_rates(dict(whole), held_rps(plan), plan.warm_up.duration)
    by_name = {one["journey"]: one for one in (whole.get("beside") or [whole])}
    for one in plan.forecast.indicators if plan.forecast is not None else ():
        if one.request is not None and one.request in by_name:
            found[one.name] = dict(_measured(by_name[one.request])).get(one.indicator)
    wanted = {target.indicator for target in targets_of(plan)}
    return {name: value for name, value in found.items() if name in wanted}


def _measured(part: Mapping[str, Any]) -> Iterator[tuple[str, float | None]]:
    measured, times = part["load"]["measured"], part["latency_ms"]
    scheduled = measured["scheduled"]
    yield "error_share", (scheduled - measured["outcomes"]["good"]) / scheduled if scheduled else None
    for time_ in ("response", "service"):
        for percentile in ("p50", "p95", "p99"):
            value = times[time_][percentile]
            # Where too few samples lie beyond it, the largest value bounds it.
            yield f"{time_}_{percentile}_ms", value if value is not None else times[time_]["max"]


def asked(plan: ServicePlan, end_s: float, played_s: float) -> tuple[dict[str, float | None], list[str]]:
    """What one's own Prometheus says at the end of the load (Unix time), and what went wrong, in words. `played_s`: how
    long the measured part was.
    """
    forecast = plan.forecast
    queries = {one.name: one.query for one in forecast.indicators if one.query is not None} if forecast else {}
    if forecast is None or forecast.prometheus is None or not queries:
        return {}, []
    time.sleep(max(0.0, end_s + SETTLES_S - time.time()))
    values: dict[str, float | None] = {}
    wrong: list[str] = []
    window = f"{max(1, round(played_s))}s"
    with Prometheus(forecast.prometheus) as prometheus:
        for name, query in queries.items():
            try:
                values[name] = prometheus.value(query.replace("$window", window), end_s)
            except PromError as exc:
                values[name] = None
                wrong.append(f"{name}: {exc}")
    return values, wrong
