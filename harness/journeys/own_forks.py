"""Processes that tasks of somebody's own locustfile start. A copy of this process (`os.fork`, `multiprocessing`) does
what it was made for, and nothing of ours: it fires nothing, writes no file of the run, and ends behind its task.
"""

from __future__ import annotations

import os
from contextlib import suppress

import gevent
import psutil
from gevent._hub_local import set_hub, set_loop
from gevent.hub import _get_hub
from greenlet import greenlet  # type: ignore[import-untyped]

_mine = os.getpid()


def install() -> None:
    """For as long as the process lives."""
    os.register_at_fork(after_in_child=_apart)


def _apart() -> None:
    """In a copy: every other greenlet and every timer stay behind in a loop that nobody runs any more."""
    if _get_hub() is None:
        return
    set_hub(None)
    set_loop(gevent.config.loop(default=False))  # to destroy the old one would wake whoever waits in it
    me = gevent.getcurrent()
    if me.parent is not None:
        me.parent = greenlet(lambda *_: os._exit(0))  # not the old hub: it would run the old loop


def end_here() -> None:
    """Called where somebody else's code has returned: a copy goes no further."""
    if os.getpid() != _mine:
        os._exit(0)


def end_children() -> None:
    """Ends every process that was started here and still runs, and theirs."""
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            child.kill()
