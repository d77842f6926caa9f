"""Waits for a thread, a killed child, a lock: each has a deadline that ends in a sentence."""

from __future__ import annotations

import errno
import fcntl
import logging
import subprocess
import threading
import time
from typing import Any

log = logging.getLogger(__name__)

THREAD_S = 30.0
"""Seconds; longer than any one step of a thread that checks whether to end, since each of its calls has a time-out."""
REAP_S = 10.0
LOCK_S = 5.0
"""Seconds; a lock is held for a few writes. A frozen holder delays nobody longer."""
POLL_S = 0.01


def joined(thread: threading.Thread, within_s: float = THREAD_S) -> bool:
    """Waits until it ends. False, and a log line, where it has not by then: it is left behind, and ends with the
    process.

    A thread that was never started counts as ended.
    """
    if thread.ident is None:
        return True
    thread.join(within_s)
    if thread.is_alive():
        log.warning("%s did not end within %g s and is left behind", thread.name, within_s)
    return not thread.is_alive()


def killed(process: subprocess.Popen[Any]) -> None:
    """Kills a child and waits for its end; one that the kernel keeps is reported and left."""
    process.kill()
    try:
        process.wait(REAP_S)
    except subprocess.TimeoutExpired:
        log.warning("process %d was killed and has not ended within %g s", process.pid, REAP_S)


def lock(descriptor: int, of: str, within_s: float = LOCK_S) -> None:
    """Takes the exclusive lock of an open file. Raises OSError where another process holds it until the deadline."""
    until = time.monotonic() + within_s
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > until:
                text = f"another process has held its lock for {within_s:g} s"
                raise OSError(errno.ETIMEDOUT, text, of) from None
        time.sleep(POLL_S)
