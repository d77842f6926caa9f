"""Processes that tests start: signals as in a terminal, an end by a deadline, nothing left whatever happens."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from harness.stack.spawn import family

INHERITED = (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGTERM, signal.SIGALRM)
END_S = 20.0


def hear_signals() -> None:
    """Children of this process start with the signals' defaults, as one that is started in a terminal.

    A shell has its background jobs ignore Ctrl-C, `nohup` the end of the terminal, and a child inherits what is
    ignored. A handler is not inherited: this process goes on ignoring what it was told to, its children do not.
    """
    for number in INHERITED:
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, lambda *_: None)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, INHERITED)


@contextmanager
def started(argv: Sequence[str], **kwargs: Any) -> Iterator[subprocess.Popen[Any]]:
    """A child as long as the block lasts, arguments as `Popen` has them.

    What still runs at the end gets a deadline to go by itself, none where the block failed; then it is killed, its
    descendants too. Raises TimeoutError if it had to be.
    """
    child = subprocess.Popen(argv, **kwargs)
    try:
        yield child
    except BaseException:
        _end(child)
        raise
    for pipe in (child.stdin, child.stdout, child.stderr):
        if pipe is not None:
            pipe.close()
    try:
        child.wait(END_S)
    except subprocess.TimeoutExpired as exc:
        _end(child)
        raise TimeoutError(f"{argv[0]} did not end within {END_S:g} s") from exc


def _end(child: subprocess.Popen[Any]) -> None:
    for process in family(child.pid) if child.poll() is None else []:
        process.kill()
    child.kill()
    child.wait(END_S)
    for pipe in (child.stdin, child.stdout, child.stderr):
        if pipe is not None:
            pipe.close()
