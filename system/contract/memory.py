"""How a process that only serves keeps its memory, so that the garbage collector does not hold up requests."""

from __future__ import annotations

import gc


def settle_memory() -> None:
    """For a process that only serves: objects that exist now stay, so the garbage collector skips them, and runs
    seldom.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50, 100)
