"""How many requests a user and an address may make: a token bucket for each. Owns the buckets, and counts refusals,
those for a bad tag as well.

A bucket is one number, the time at which it is full again (GCRA). What was not seen for long is forgotten first, and
was full by then.
"""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Literal

from prometheus_client import CollectorRegistry

from system.contract.errors import TooFast
from system.settings import PlaySettings
from system.web import counter

BUCKETS_MAX = 1 << 18
Whose = Literal["user", "address"]


class TokenBuckets:
    """`rate_per_s` tokens flow into each bucket, `burst` are the most it holds; a request takes one."""

    def __init__(
        self, rate_per_s: float, burst: int, clock: Callable[[], float] = time.monotonic, most: int = BUCKETS_MAX
    ) -> None:
        self._every_s = 1 / rate_per_s
        self._holds_s = burst / rate_per_s
        self._clock = clock
        self._most = most
        self._full_at: OrderedDict[Hashable, float] = OrderedDict()

    def wait_s(self, key: Hashable) -> float:
        """Takes a token and says 0, or takes none and says after how many seconds there is one."""
        now = self._clock()
        full_at = max(self._full_at.get(key, now), now) + self._every_s
        # A hair of tolerance: sums of fractions of a second are not exact.
        late = full_at - now - self._holds_s
        if late > 1e-9:
            return late
        self._full_at[key] = full_at
        self._full_at.move_to_end(key)
        if len(self._full_at) > self._most:
            self._full_at.popitem(last=False)
        return 0.0

    def give_back(self, key: Hashable) -> None:
        """Undoes the last `wait_s` of this key that said 0."""
        if key in self._full_at:
            self._full_at[key] -= self._every_s


class RequestLimits:
    """The limits of one play process."""

    def __init__(self, settings: PlaySettings, registry: CollectorRegistry) -> None:
        self._buckets: dict[Whose, TokenBuckets] = {
            "user": TokenBuckets(settings.user_rate_per_s, settings.user_burst),
            "address": TokenBuckets(settings.address_rate_per_s, settings.address_burst),
        }
        refused = counter(registry, "hongbao_play_limited_total")
        self._refused = {whose: refused.labels(whose) for whose in self._buckets}
        self._bad_tags = counter(registry, "hongbao_play_bad_tags_total")

    def bad_tag(self) -> None:
        """Counts a request that was refused for its stress tag."""
        self._bad_tags.inc()

    def take(self, whose: Whose, key: Hashable) -> None:
        """Raises TooFast, which says how long to wait."""
        wait_s = self._buckets[whose].wait_s(key)
        if wait_s:
            self._refused[whose].inc()
            raise TooFast(f"too many requests of one {whose}", max(1, math.ceil(wait_s)))

    def give_back(self, whose: Whose, key: Hashable) -> None:
        """Undoes the last `take` of this key."""
        self._buckets[whose].give_back(key)
