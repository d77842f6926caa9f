"""One engine a folder: a lock of the kernel, free when its process is gone. A second engine is refused."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FILE = "playbooks.lock"


class AlreadyRuns(Exception):
    """Another engine has the folder."""

    exit_code = 5


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """While the block lasts no other engine works on this folder. Raises AlreadyRuns."""
    descriptor = os.open(folder / FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            raise AlreadyRuns(f"an engine works on {folder}") from exc
        yield
    finally:
        os.close(descriptor)
