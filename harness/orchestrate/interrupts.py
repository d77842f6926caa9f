"""What Ctrl-C and SIGTERM do to a run. Refuses to let any number of them cost the record."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from harness.phrases import said

ONE_WISH_S = 2.0
"""Whoever presses again within this wants the same."""


class Interrupts:
    """The first calls `halt(why)`. One that comes later than that wish lasts gives up waiting, once, by raising
    KeyboardInterrupt; but not while the record is `sealing`. All others change nothing.
    """

    def __init__(self, halt: Callable[[str], None]) -> None:
        self._halt = halt
        self._first_s: float | None = None
        self._gave_up = False
        self.sealing = False

    def __call__(self, number: int, _: FrameType | None) -> None:
        """The handler of the signals."""
        now_s = time.monotonic()
        if self._first_s is None:
            self._first_s = now_s
            self._halt(said("interrupted", signal=signal.Signals(number).name))
        elif now_s - self._first_s > ONE_WISH_S and not self._gave_up and not self.sealing:
            self._gave_up = True
            raise KeyboardInterrupt


@contextmanager
def interruptible(halt: Callable[[str], None]) -> Iterator[Interrupts]:
    """Both signals are an `Interrupts` while the block lasts."""
    handler = Interrupts(halt)
    if threading.current_thread() is not threading.main_thread():
        yield handler
        return
    old = {number: signal.signal(number, handler) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield handler
    finally:
        for number, before in old.items():
            signal.signal(number, before)
