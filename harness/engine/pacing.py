"""A tick finer than a millisecond that sleeps in the kernel: Linux's timer descriptor; elsewhere 1 ms timers."""

from __future__ import annotations

import asyncio
import ctypes
import os
import sys
from collections.abc import Callable
from functools import cache

GRAIN_OF_LAG, GRAIN_MS_MAX = 0.1, 1.0
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


def grain_ns(lag_ms_max: float) -> int:
    """How long after a ring the next one comes at the earliest, of an alarm that is set for each request: a small part
    of the lag that may be. What is due meanwhile has one ring together, since each costs a sleep and a waking.
    """
    return int(min(GRAIN_MS_MAX, GRAIN_OF_LAG * lag_ms_max) * 1e6)


class AlarmSetting:
    """Lets a timer descriptor come due once, at a time. What the call needs is made once: it is made for each ring."""

    def __init__(self, fd: int) -> None:
        self._spec = _TimerSpec()
        self._at = self._spec.value
        self._call = ctypes.CDLL(None, use_errno=True).timerfd_settime
        self._words = (ctypes.c_int(fd), ctypes.c_int(_ABSOLUTE), ctypes.byref(self._spec), None)

    def set(self, at_ns: int) -> None:
        """To this time of CLOCK_MONOTONIC; at once where it has passed. It can be read no more until then."""
        at = self._at
        at.seconds, at.nanoseconds = divmod(at_ns if at_ns > 0 else 1, 1_000_000_000)  # 0 would disarm it
        if self._call(*self._words) < 0:
            raise OSError(ctypes.get_errno(), "timerfd_settime")


def _set(fd: int, flags: int, spec: _TimerSpec) -> None:
    if _libc().timerfd_settime(fd, flags, ctypes.byref(spec), None) < 0:
        raise OSError(ctypes.get_errno(), "timerfd_settime")


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
