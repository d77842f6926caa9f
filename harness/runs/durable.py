"""Appends a line to a file, on the disk before anything follows from it. Several processes may append.

A line that the disk took in part counts as not written.
"""

from __future__ import annotations

import os
from pathlib import Path

from harness import waits


def append_line(path: Path, line: bytes, *, sync: bool = True) -> None:
    """Appends `line` (without its end) and waits for the disk, unless nothing follows from the line (`sync`).

    Raises OSError: then nothing of it is in the file. Also where a frozen process holds its lock.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        waits.lock(descriptor, str(path))
        size = os.fstat(descriptor).st_size
        # An earlier writer may have been killed in the middle of a line: the act of that line has not begun.
        torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
        try:
            _write_all(descriptor, (b"\n" if torn else b"") + line + b"\n")
            if sync:
                os.fsync(descriptor)
        except OSError:
            os.ftruncate(descriptor, size)
            raise
        if sync and not size:
            _sync_folder(path.parent)
    finally:
        os.close(descriptor)


def _write_all(descriptor: int, data: bytes) -> None:
    """A disk that is nearly full takes a part first, and raises at the next write."""
    while data:
        data = data[os.write(descriptor, data) :]


def _sync_folder(path: Path) -> None:
    """The file's own name is on the disk, too."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
