"""What Ctrl-C and SIGTERM do to a run. Refuses to let any number of them cost the record."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def interruptible(halt: Callable[[str], None]) -> Iterator[None]:
    """While the block lasts the first calls `halt(why)`, the second raises KeyboardInterrupt."""
    count = 0

    def interrupt(number: int, _: FrameType | None) -> None:
        nonlocal count
        count += 1
        if count > 1:
            raise KeyboardInterrupt
        halt(f"interrupted by {signal.Signals(number).name}")

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    old = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)
