"""Item *limit*: what the guard's allow-list grants each system at most: rate, step, length, hours of the day, and what
the public's traffic must be left.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from harness.guard.live_rate import live_rps
from harness.guard.precheck.shape import Checked, PrecheckItem, StartRequest, checked
from plans.models.targets import TargetSystem


def look(ask: StartRequest) -> Iterator[Checked]:
    entries = ask.entries()
    if not entries:
        yield checked(True, "this host alone, for which the allow-list sets no limit")
    for entry in entries:
        rate = f"{ask.peak_rps:,.0f} requests/s at the peak, {entry.rate_max:,.0f} allowed by {entry.id}"
        yield checked(ask.peak_rps <= entry.rate_max, rate, "rate")
        length = f"{ask.duration_s:g} s of load, {entry.duration_max:g} allowed by {entry.id}"
        yield checked(ask.duration_s <= entry.duration_max, length, "duration")
        if entry.step_max is not None:
            step = f"{ask.step_rps:,.0f} requests/s more within a second, {entry.step_max:,.0f} allowed by {entry.id}"
            yield checked(ask.step_rps <= entry.step_max, step, "step")
        if entry.hours is not None:
            now = datetime.now(UTC) if ask.now is None else ask.now
            says = f"{ask.duration_s:g} s from {now:%H:%M} (UTC) on, {entry.id} allows {entry.hours}"
            yield checked(entry.hours.hold(now, ask.duration_s), says, "hours")
        yield from _headroom(ask, entry)


def _headroom(ask: StartRequest, entry: TargetSystem) -> Iterator[Checked]:
    """The public's traffic of this moment and the run's together, beside what the system carries."""
    if entry.capacity is None or entry.live_headroom is None:
        return
    fronts = [place.metrics_url for place in ask.addresses.places.of("front")]
    urls = [url for url in fronts if url is not None and ask.may_ask(url)]
    live = live_rps(urls) if len(urls) == len(fronts) else None
    if live is None:
        yield checked(False, f"the live traffic of {entry.id} is not known: not every front tells it", "headroom")
        return
    most = entry.capacity * (1 - entry.live_headroom)
    says = f"{live:,.0f} requests/s of the public and {ask.peak_rps:,.0f} of the run, {most:,.0f} allowed by {entry.id}"
    yield checked(live + ask.peak_rps <= most, says, "headroom")


ITEM = PrecheckItem(
    3, "limit",
    "rate, its rise within a second, duration, hours of the day, and what is left for the public's traffic, beside "
    "what the allow-list grants each system",
    "the load is beyond a limit", look,
)  # fmt: skip
