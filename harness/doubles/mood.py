"""How a double behaves: its latency, its errors, its limit, answers that come after everybody has stopped waiting.

Seeded: the same calls in the same order meet the same. Pure, but for the clock that is handed in.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Annotated

from pydantic import Field

from system.contract.api import Model

Share = Annotated[float, Field(ge=0, le=1, strict=False)]
Milliseconds = Annotated[float, Field(ge=0, le=60_000, strict=False)]


class Mood(Model):
    """`latency_ms`: the median of a log-normal one, `spread` its sigma. Shares of calls: `errors` are answered 500, and
    nothing is done; `late` ones are done and answered after `late_ms` more. Of a bank's orders: `refusals` are refused,
    `processing` ones are not decided when they are first asked about. `rate_per_s`: calls beyond it are answered 429.
    """

    latency_ms: Milliseconds = 20.0
    spread: Annotated[float, Field(ge=0, le=3, strict=False)] = 0.6
    errors: Share = 0.01
    late: Share = 0.005
    late_ms: Milliseconds = 4_000.0
    refusals: Share = 0.02
    processing: Share = 0.02
    rate_per_s: int = Field(default=500, ge=1)


CALM = Mood(latency_ms=0, spread=0, errors=0, late=0, refusals=0, processing=0, rate_per_s=1 << 30)
"""Answers at once, and always yes: for tests, which break one thing of it."""


class MoodSwings:
    """What each call meets. `now_s`: a clock that only grows."""

    def __init__(self, mood: Mood, seed: int, now_s: Callable[[], float]) -> None:
        self.mood = mood
        self._draws, self._now_s = random.Random(seed), now_s
        self._second, self._calls = -1, 0

    def chance(self, share: float) -> bool:
        """True for so many of all calls."""
        return self._draws.random() < share

    def latency_s(self) -> float:
        """Of the next call."""
        if not self.mood.latency_ms:
            return 0.0
        return self.mood.latency_ms / 1000 * math.exp(self._draws.gauss(0.0, self.mood.spread))

    def too_many(self) -> bool:
        """Counts a call; whether it is beyond the limit of its second."""
        second = int(self._now_s())
        if second != self._second:
            self._second, self._calls = second, 0
        self._calls += 1
        return self._calls > self.mood.rate_per_s
