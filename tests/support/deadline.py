"""Waiting in async tests: for a condition, with a deadline. And the spans that are a test's own matter.

`tests/conftest.py` holds every test to it: one that sleeps longer than a poll in its own code fails.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable


async def until(check: Callable[[], Awaitable[bool]], what: str, timeout_s: float = 60.0) -> None:
    """Asks until the answer is True; TimeoutError naming `what` at the deadline."""
    deadline = time.monotonic() + timeout_s
    while not await check():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {timeout_s:g} s")
        await asyncio.sleep(0.02)


LASTING_MOST_S = 0.5


async def lasting(seconds: float, what: str) -> None:
    """A span that is itself tested: how long a fault lasts, a user pauses, nothing may happen. Never a wait.

    Raises ValueError for one that is longer than half a second, or says not what it is.
    """
    if not 0 <= seconds <= LASTING_MOST_S or not what:
        raise ValueError(f"{seconds} s for {what!r}: at most {LASTING_MOST_S} s, and a word for what lasts")
    await asyncio.sleep(seconds)
