"""Reads a file that somebody names: never for ever, never without end. Knows no format.

A pipe is read as long as somebody writes into it (`xiu plan check <(…)`); a device is no file.
"""

from __future__ import annotations

import errno
import os
import select
import stat
import time
from pathlib import Path

WAIT_S, LONGEST_S = 5.0, 30.0
"""For whoever writes into a pipe: from one piece to the next, and altogether."""
PIECE = 1 << 16


def bytes_of(path: Path, most: int) -> bytes:
    """What stands in it; of more than `most` bytes one more than that. Raises OSError, its `strerror` for a person."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    try:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
            raise OSError(errno.EINVAL, "a device, not a file", str(path))
        return _read(descriptor, most + 1, str(path), pipe=stat.S_ISFIFO(mode))
    finally:
        os.close(descriptor)


def _read(descriptor: int, most: int, name: str, *, pipe: bool) -> bytes:
    data, until = bytearray(), time.monotonic() + LONGEST_S
    while len(data) < most:
        if pipe:
            _await(descriptor, until, name)
        piece = os.read(descriptor, min(PIECE, most - len(data)))
        if not piece:
            break
        data += piece
    return bytes(data)


def _await(descriptor: int, until: float, name: str) -> None:
    """Until there is something in the pipe, or nobody writes any more. Raises OSError."""
    waits = select.poll()
    waits.register(descriptor, select.POLLIN)
    if not waits.poll(max(0.0, min(WAIT_S, until - time.monotonic())) * 1000):
        raise OSError(errno.ETIMEDOUT, f"a pipe into which nobody has written for {WAIT_S:g} s", name)
