"""Item *clock*: control's clock, which opens and closes rounds, is this host's."""

from __future__ import annotations

import time
from collections.abc import Iterator

from harness.guard.precheck.shape import Checked, PrecheckItem, StartRequest, checked

OFFSET_MS_MAX = 50.0
READS = 5


def look(ask: StartRequest) -> Iterator[Checked]:
    best_ms, trip_ms = 0.0, float("inf")
    for _ in range(READS):
        before = time.monotonic_ns()
        there_us = ask.control.now_us()
        here_us, took_ms = time.time_ns() / 1000, (time.monotonic_ns() - before) / 1e6
        if took_ms < trip_ms:
            best_ms, trip_ms = (there_us - here_us) / 1000, took_ms
    says = f"control's clock is {best_ms:+.1f} ms from this host's; {OFFSET_MS_MAX:g} ms are allowed"
    yield checked(abs(best_ms) < OFFSET_MS_MAX, says)


ITEM = PrecheckItem(5, "clock", f"control's clock, beside this host's: the best of {READS} reads",
                    "control's clock is not known, or another than this host's", look)  # fmt: skip
