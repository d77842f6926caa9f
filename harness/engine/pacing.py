"""A tick finer than a millisecond that sleeps in the kernel: Linux's timer descriptor; elsewhere 1 ms timers."""

from __future__ import annotations

import asyncio
import ctypes
import os
import sys
from collections.abc import Callable

_CLOCK_MONOTONIC = 1
_NONBLOCK_CLOEXEC = os.O_NONBLOCK | getattr(os, "O_CLOEXEC", 0)


class _TimeSpec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class _TimerSpec(ctypes.Structure):
    _fields_ = (("interval", _TimeSpec), ("value", _TimeSpec))


class Ticker:
    """Calls ``tick()`` every ``period_us`` until closed. Several missed periods give one call."""

    def __init__(self, loop: asyncio.AbstractEventLoop, period_us: int, tick: Callable[[], None]) -> None:
        self._loop, self._tick, self._period_us = loop, tick, period_us
        self._fd = -1
        self._timer: asyncio.TimerHandle | None = None
        if sys.platform == "linux":
            self._fd = _periodic_descriptor(period_us)
            loop.add_reader(self._fd, self._ready)
        else:
            self._again()

    def _ready(self) -> None:
        os.read(self._fd, 8)
        self._tick()

    def _again(self) -> None:
        self._timer = self._loop.call_later(max(self._period_us / 1e6, 0.001), self._again)
        self._tick()

    def close(self) -> None:
        if self._fd >= 0:
            self._loop.remove_reader(self._fd)
            os.close(self._fd)
            self._fd = -1
        if self._timer is not None:
            self._timer.cancel()


def _periodic_descriptor(period_us: int) -> int:
    # os.timerfd_create exists from Python 3.13 on; the C library has it everywhere.
    libc = ctypes.CDLL(None, use_errno=True)
    fd = int(libc.timerfd_create(_CLOCK_MONOTONIC, _NONBLOCK_CLOEXEC))
    if fd < 0:
        raise OSError(ctypes.get_errno(), "timerfd_create")
    period = _TimeSpec(period_us // 1_000_000, period_us % 1_000_000 * 1000)
    if libc.timerfd_settime(fd, 0, ctypes.byref(_TimerSpec(period, period)), None) < 0:
        raise OSError(ctypes.get_errno(), "timerfd_settime")
    return fd
