"""How a process that only serves keeps its memory, so that the garbage collector does not hold up requests."""

from __future__ import annotations

import gc

YOUNG_MAX = 50_000
"""New objects until the collector looks; Python's own is 700."""


def settle_memory() -> None:
    """For a process that only serves: objects that exist now stay, so the garbage collector skips them, and runs
    seldom.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_MAX, 50, 100)
