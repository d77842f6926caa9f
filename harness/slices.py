"""How long a process may run before another that waits for its core: its time slice, in microseconds (Linux 6.12+).

A process with a short slice is served earlier when it wakes, and no longer: its share of the core stays the same.
Asked of the kernel with `sched_setattr`, which Python does not have. Older kernels take the request and do nothing;
what was granted is therefore read back.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import struct
import sys
import threading
from functools import cache

SHORTEST_US = 100
"""What Linux grants at least."""
ANSWER_S = 5.0
_NUMBERS = {"x86_64": (314, 315), "aarch64": (274, 275), "riscv64": (274, 275)}
"""System call numbers of sched_setattr and sched_getattr, by machine."""
_ATTRIBUTES = struct.Struct("=IIQiIQQQ")
"""`struct sched_attr`, first version: size, policy, flags, nice, priority, runtime, deadline, period; times in ns."""
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def _calls() -> tuple[int, int] | None:
    return _NUMBERS.get(platform.machine()) if _libc is not None else None


CALLS = _calls()
"""Found once: the child of a fork asks nothing of its environment."""


def ask_for(slice_us: int) -> None:
    """Gives the calling thread, and what it starts, a slice; policy and niceness stay. Without effect where the system
    has no such thing; see `granted`.
    """
    if _libc is None or CALLS is None:
        return
    found = _read(0)
    if found is not None:
        policy, nice = found[1], found[3]
        wanted = _ATTRIBUTES.pack(_ATTRIBUTES.size, policy, 0, nice, 0, slice_us * 1000, 0, 0)
        _libc.syscall(CALLS[0], 0, wanted, 0)


def granted(pid: int = 0) -> int | None:
    """The slice of a thread, 0: the calling one; None where it cannot be told, as on kernels that have none."""
    found = _read(pid)
    return found[5] // 1000 if found is not None and found[5] else None


@cache
def shortest() -> int | None:
    """The slice that this machine gives to who asks for the shortest one; None where slices cannot be asked for."""
    found: list[int | None] = []

    def ask() -> None:
        # An idle process has no slice to choose.
        with contextlib.suppress(AttributeError, OSError):
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
        ask_for(SHORTEST_US)
        found.append(granted())

    # In a thread of its own: what asks here keeps the slice that it has.
    asker = threading.Thread(target=ask)
    asker.start()
    asker.join(ANSWER_S)
    return found[0] if found and found[0] == SHORTEST_US else None


def _read(pid: int) -> tuple[int, ...] | None:
    if _libc is None or CALLS is None:
        return None
    buffer = ctypes.create_string_buffer(_ATTRIBUTES.size)
    if _libc.syscall(CALLS[1], pid, buffer, _ATTRIBUTES.size, 0) != 0:
        return None
    return _ATTRIBUTES.unpack(buffer.raw)
