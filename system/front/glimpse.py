"""What the draw saw of one round in a part of one minute. Plain data."""

from __future__ import annotations

from typing import NamedTuple


class Glimpse(NamedTuple):
    """`taps`: of genuine tokens, answered 200 or 202; `too_fast`: answered 429. `users`: whose taps they were, each at
    least once a minute, and perhaps more often. `shown`: sponsor → answers that named it. `minute_us`: since 1970.
    """

    round_id: int
    minute_us: int
    taps: int
    too_fast: int
    users: list[int]
    shown: dict[int, int]
