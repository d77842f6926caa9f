"""A tick finer than a millisecond that sleeps in the kernel: Linux's timer descriptor; elsewhere 1 ms timers."""

from __future__ import annotations

import asyncio
import ctypes
import os
import sys
from collections.abc import Callable
from functools import cache

_CLOCK_MONOTONIC = 1
_ABSOLUTE = 1
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
    fd = timer_descriptor()
    period = _TimeSpec(period_us // 1_000_000, period_us % 1_000_000 * 1000)
    _set(fd, 0, _TimerSpec(period, period))
    return fd


def timer_descriptor() -> int:
    """A file that can be read once its time has come (Linux). Raises OSError."""
    # os.timerfd_create exists from Python 3.13 on; the C library has it everywhere.
    fd = int(_libc().timerfd_create(_CLOCK_MONOTONIC, _NONBLOCK_CLOEXEC))
    if fd < 0:
        raise OSError(ctypes.get_errno(), "timerfd_create")
    return fd


def set_alarm(fd: int, at_ns: int) -> None:
    """Lets a timer descriptor come due once, at this time of CLOCK_MONOTONIC; at once where it has passed."""
    at = max(1, at_ns)  # 0 would disarm it
    _set(fd, _ABSOLUTE, _TimerSpec(_TimeSpec(0, 0), _TimeSpec(at // 1_000_000_000, at % 1_000_000_000)))


def _set(fd: int, flags: int, spec: _TimerSpec) -> None:
    if _libc().timerfd_settime(fd, flags, ctypes.byref(spec), None) < 0:
        raise OSError(ctypes.get_errno(), "timerfd_settime")


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
