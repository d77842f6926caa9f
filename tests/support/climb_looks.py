"""What a climb saw, made up: windows of stairs, of a system that obeys the scaling law or not; and what is asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.capacity.answer import CapacityAsked
from harness.capacity.looks import WindowLook
from harness.guard.green import Colour

CONTENTION, COHERENCY, ONE_RPS = 0.05, 0.001, 1000.0
WINDOWS, SPAN_S = 3, 5.0


def rate_at(n: float) -> float:
    return ONE_RPS * n / (1 + CONTENTION * (n - 1) + COHERENCY * n * (n - 1))


def stair(
    number: int, rate_rps: float, in_flight: float, p99_ms: int, colour: Colour = "green", answered: float = 1.0
) -> list[WindowLook]:
    """Three windows of a stair; `answered`: of what was due."""
    done = round(rate_rps * SPAN_S * answered)
    slow = done // 50
    return [
        WindowLook(
            number, rate_rps, colour, "green" if colour == "green" else "slow",
            from_s=(WINDOWS * number + window) * SPAN_S, to_s=(WINDOWS * number + window + 1) * SPAN_S,
            span_s=SPAN_S, due=round(rate_rps * SPAN_S), answered=done, spent_s=in_flight * SPAN_S,
            slow_us={1_000: done - slow, p99_ms * 1000: slow},
        )
        for window in range(WINDOWS)
    ]  # fmt: skip


def climb(*loads: float) -> list[WindowLook]:
    """Of a system that obeys the law: each stair at the rate that goes with so many in flight."""
    return [look for number, n in enumerate(loads) for look in stair(number, rate_at(n), n, 10 + number)]


def busy(used: Mapping[str, tuple[float, float]], at_s: float) -> Any:
    """Part → cores on the stairs before `at_s`, and from then on."""
    return lambda from_s, to_s: {part: cores[from_s >= at_s] for part, cores in used.items()}


def asked(held: float | None, red: float | None, **more: Any) -> CapacityAsked:
    whole = {"objective_s": 0.1, "event_rps": 350e6, "cells": 1, "headroom": 0.3, "spare": 1, "cores": 2}
    return CapacityAsked(held_rps=held, red_rps=red, **(whole | more))


TWO = [*stair(0, 1000.0, 2.0, 20), *stair(1, 2000.0, 9.0, 500, "red")]
