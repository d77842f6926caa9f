"""Handles Ctrl-C, SIGTERM and the end of its terminal during a run, so that no number of them costs the record."""

from __future__ import annotations

import logging
import queue
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from harness.phrases import Sentence, sentence
from harness.waits import joined

log = logging.getLogger(__name__)

ALWAYS = (signal.SIGINT, signal.SIGTERM)
STOPS = (*ALWAYS, signal.SIGHUP)
ONE_WISH_S = 2.0
"""Seconds; a second press within them means the same as the first."""


class Interrupts:
    """The first signal has `halt(why)` called, on a thread of its own: a handler runs in the middle of whatever the
    main thread does, with whatever lock that holds, so it only leaves a note. A later one gives up waiting, once, by
    raising KeyboardInterrupt; but not while the record is `sealing`. All others change nothing.
    """

    def __init__(self, halt: Callable[[Sentence], None]) -> None:
        self._halt = halt
        self._first_s: float | None = None
        self._gave_up = False
        self.sealing = False
        self._signals: queue.SimpleQueue[int | None] = (
            queue.SimpleQueue()
        )  # the only kind of queue into which a handler may put
        self._thread = threading.Thread(target=self._obey, name="interrupts", daemon=True)

    def __call__(self, number: int, _: FrameType | None) -> None:
        """The handler of the signals."""
        now_s = time.monotonic()
        if self._first_s is None:
            self._first_s = now_s
            self._signals.put(number)
        elif now_s - self._first_s > ONE_WISH_S and not self._gave_up and not self.sealing:
            self._gave_up = True
            raise KeyboardInterrupt

    def _obey(self) -> None:
        while (number := self._signals.get()) is not None:
            try:
                self._halt(sentence("interrupted", signal=signal.Signals(number).name))
            except Exception:
                # A message that cannot be written (a full disk) ends the run all the same: `halt` stops first and
                # reports afterwards.
                log.exception("the interruption could not be told")

    def begin(self) -> None:
        """From now on signals are taken."""
        self._thread.start()

    def end(self) -> None:
        """All signals taken are handled when this returns."""
        self._signals.put(None)
        joined(self._thread)


@contextmanager
def interruptible(halt: Callable[[Sentence], None]) -> Iterator[Interrupts]:
    """The signals are an `Interrupts` while the block lasts; one of `nohup` stays ignored."""
    handler = Interrupts(halt)
    if threading.current_thread() is not threading.main_thread():
        yield handler
        return
    handler.begin()
    taken = [number for number in STOPS if number in ALWAYS or signal.getsignal(number) is not signal.SIG_IGN]
    old = {number: signal.signal(number, handler) for number in taken}
    try:
        yield handler
    finally:
        for number, before in old.items():
            signal.signal(number, before)
        handler.end()
