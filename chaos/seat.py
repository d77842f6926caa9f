"""One drill, or series of kill trials, at a time on a stack. While one is at work no playbook begins, so that arm B is
the fault alone. The seat is a lock: it is free again when its holder is dead, however it died.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from harness.errors import EnvironmentNotReady

FILE = "drill.lock"
PATIENCE_S = 1.0
"""Seconds. `taken` holds the lock for an instant as well, without being a drill."""


@contextmanager
def seated(folder: Path, who: str) -> Iterator[None]:
    """The only drill on the stack in `folder` while the block lasts. Raises EnvironmentNotReady with the name of
    another.
    """
    try:
        descriptor = os.open(folder / FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as exc:
        raise EnvironmentNotReady(f"no drill can take its seat on {folder}: {exc.strerror}") from exc
    try:
        until = time.monotonic() + PATIENCE_S
        while not _locked(descriptor, fcntl.LOCK_EX):
            if time.monotonic() > until:
                raise EnvironmentNotReady(f"another drill is at work on {folder}: {_who(descriptor)}; wait for it")
            time.sleep(0.02)
        with suppress(OSError):  # the lock is the seat; the holder's name is for those who ask
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{who}, process {os.getpid()}".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def taken(folder: Path) -> str:
    """Who drills on the stack in `folder`; empty if nobody does."""
    try:
        descriptor = os.open(folder / FILE, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return ""
    try:
        return "" if _locked(descriptor, fcntl.LOCK_SH) else _who(descriptor)
    finally:
        os.close(descriptor)


def _locked(descriptor: int, how: int) -> bool:
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _who(descriptor: int) -> str:
    return os.pread(descriptor, 200, 0).decode(errors="replace") or "another process"
