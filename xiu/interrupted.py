"""Ctrl-C while nothing is carried out: before a command begins, and behind its end. One sentence, and the end.

Imports next to nothing, and is imported before everything else: Python's own way is a traceback of whatever is being
imported. While a command runs, Ctrl-C is a KeyboardInterrupt, so that the command can put things in order.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

ABORTED = 3
"""Exit code: that of `harness.errors.Aborted`."""


def quiet() -> None:
    """From now on, where this process is the command, unless Ctrl-C is ignored. Called first of all: who handles it by
    now is Python, or what `make setup` put before its start.
    """
    mine = os.path.basename(sys.argv[0]) == "xiu" or sys.orig_argv[1:3] == ["-m", "xiu.cli"]
    if mine and callable(signal.getsignal(signal.SIGINT)):
        signal.signal(signal.SIGINT, _end)


@contextmanager
def heard() -> Iterator[None]:
    """While a command runs."""
    quieted = signal.getsignal(signal.SIGINT) is _end
    if quieted:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        if quieted and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, _end)


def _end(*_: object) -> None:
    try:
        os.write(2, b"xiu: interrupted\n")
    finally:
        os._exit(ABORTED)
