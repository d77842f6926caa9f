"""Item *limit*: what the guard's allow-list grants at most, in taps a second and in seconds."""

from __future__ import annotations

from collections.abc import Iterator

from harness.guard.precheck.shape import Checked, PrecheckItem, StartRequest, checked


def look(ask: StartRequest) -> Iterator[Checked]:
    entries = {entry.id: entry for url in ask.served() if (entry := ask.allowed.entry(url)) is not None}
    if not entries:
        yield checked(True, "this host alone, for which the allow-list sets no limit")
    for entry in entries.values():
        rate = f"{ask.peak_rps:,.0f} taps/s at the peak, {entry.rate_max:,.0f} allowed by {entry.id}"
        yield checked(ask.peak_rps <= entry.rate_max, rate, "rate")
        length = f"{ask.duration_s:g} s of load, {entry.duration_max:g} allowed by {entry.id}"
        yield checked(ask.duration_s <= entry.duration_max, length, "duration")


ITEM = PrecheckItem(
    3, "limit", "rate and duration, beside what the allow-list grants each system", "the load is beyond a limit", look
)
