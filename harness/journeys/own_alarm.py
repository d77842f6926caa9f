"""An alarm in gevent's loop that rings to the microsecond. gevent's own timers are rounded up to a millisecond, and
count from when the loop last looked at the clock: behind a long turn they ring too early.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from time import monotonic_ns
from typing import Any

import gevent

from harness.engine.pacing import AlarmSetting, timer_descriptor

NS = 1_000_000_000


class LoopAlarm:
    """Calls `ring()` in the hub at the time it was set to (CLOCK_MONOTONIC ns), once for each setting. `ring` must not
    wait for anything. Where there is no timer descriptor: within the millisecond behind it.
    """

    def __init__(self, ring: Callable[[], None]) -> None:
        self._ring = ring
        self._loop: Any = gevent.get_hub().loop
        self._fd = timer_descriptor() if sys.platform == "linux" else -1
        self._watcher: Any = None
        self._closed = False
        if self._fd >= 0:
            self._setting = AlarmSetting(self._fd)
            self._watcher = self._loop.io(self._fd, 1)
            self._watcher.start(self._ready)

    def set(self, at_ns: int) -> None:
        """Rings at this time, or at the loop's next turn where it has passed. Nothing once it is closed."""
        if self._closed:
            return
        if self._fd >= 0:
            self._setting.set(at_ns)
            return
        self._stop()
        self._watcher = self._loop.timer(max(0.0, (at_ns - monotonic_ns()) / NS))
        self._watcher.start(self._rung, at_ns, update=True)

    def close(self) -> None:
        """Rings no more. Safe to repeat."""
        self._closed = True
        self._stop()
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _ready(self) -> None:
        os.read(self._fd, 8)
        self._ring()

    def _rung(self, at_ns: int) -> None:
        if monotonic_ns() < at_ns:
            self.set(at_ns)
        else:
            self._ring()

    def _stop(self) -> None:
        if self._watcher is not None:
            self._watcher.stop()
            self._watcher.close()
            self._watcher = None
