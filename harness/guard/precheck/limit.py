"""Item *limit*: what the guard's allow-list grants each system at most: rate, step, length, hours of the day, and what
the public's traffic must be left.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime

from harness.guard.live_rate import live_rps
from harness.guard.precheck.shape import Checked, LoadItem, LoadRequest, checked, not_evaluated
from harness.watch.prom import PromError, Prometheus
from plans.models.targets import PublicTraffic, TargetSystem

ASK_S = 2.0


def look(ask: LoadRequest) -> Iterator[Checked]:
    entries = ask.entries()
    if not ask.served():
        yield not_evaluated("the plan names no address: where its tasks send is looked at when they send")
    elif not entries:
        yield checked(True, "this host alone, for which the allow-list sets no limit")
    for entry in entries:
        yield from of_the_load(ask, entry)
        yield from _headroom(ask, entry)


def of_the_load(ask: LoadRequest, entry: TargetSystem) -> Iterator[Checked]:
    """Every limit of an entry beside the load itself; asks nobody."""
    rate = f"{ask.peak_rps:,.0f} requests/s at the peak, {entry.rate_max:,.0f} allowed by {entry.id}"
    yield _within(ask.peak_rps <= entry.rate_max, rate, "rate", entry.at("rate_max"))
    length = f"{ask.duration_s:g} s of load, {entry.duration_max:g} allowed by {entry.id}"
    yield _within(ask.duration_s <= entry.duration_max, length, "duration", entry.at("duration_max"))
    if entry.step_max is not None:
        step = f"{ask.step_rps:,.0f} requests/s more within a second, {entry.step_max:,.0f} allowed by {entry.id}"
        yield _within(ask.step_rps <= entry.step_max, step, "step", entry.at("step_max"))
    if entry.hours is not None:
        now = datetime.now(UTC) if ask.now is None else ask.now
        says = f"{ask.duration_s:g} s from {now:%H:%M} (UTC) on, {entry.id} allows {entry.hours}"
        yield _within(entry.hours.hold(now, ask.duration_s), says, "hours", entry.at("hours"))


def _within(good: bool, says: str, subject: str, place: str) -> Checked:
    """What is refused says where it is written."""
    return checked(good, says if good else place + says, subject)


def _headroom(ask: LoadRequest, entry: TargetSystem) -> Iterator[Checked]:
    """The public's traffic of this moment and the run's together, beside what the system carries."""
    if entry.capacity is None or entry.live_headroom is None:
        return
    live = _public(ask, entry)
    if isinstance(live, str):
        says = f"the live traffic of {entry.id} is not known: {live}"
        yield _within(False, says, "headroom", entry.at("live_headroom"))
        return
    most = entry.capacity * (1 - entry.live_headroom)
    says = f"{live:,.0f} requests/s of the public and {ask.peak_rps:,.0f} of the run, {most:,.0f} allowed by {entry.id}"
    yield _within(live + ask.peak_rps <= most, says, "headroom", entry.at("live_headroom"))


def _public(ask: LoadRequest, entry: TargetSystem) -> float | str:
    """Requests a second of the public now, or why that is not known."""
    if entry.public is not None:
        return _told(ask, entry.public)
    fronts = [place.metrics_url for place in ask.fronts()]
    if not fronts:
        return "nobody tells it; expected `public` beside `live_headroom`" if ask.urls else "not every front tells it"
    urls = [url for url in fronts if url is not None and ask.may_ask(url)]
    live = live_rps(urls) if len(urls) == len(fronts) else None
    return "not every front tells it" if live is None else live


def _told(ask: LoadRequest, public: PublicTraffic) -> float | str:
    if not ask.may_ask(public.prometheus):
        return f"{public.prometheus} is not in the allow-list"
    try:
        with Prometheus(public.prometheus, ASK_S) as prometheus:
            value = prometheus.value(public.query, time.time())
    except PromError as exc:
        return str(exc).splitlines()[0]
    return "its query has no value" if value is None else max(0.0, value)


ITEM = LoadItem(
    3, "limit",
    "rate, its rise within a second, duration, hours of the day, and what is left for the public's traffic, beside "
    "what the allow-list grants each system",
    "the load is beyond a limit", look,
)  # fmt: skip
