"""The shooting range: known targets, short cannon runs, and the rule that an INVALID attempt is repeated."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from harness.bench.servers import BenchTarget, child, plain_tokens
from harness.engine.config import CannonConfig
from harness.engine.process import CannonResult, run_cannon
from tests.support.attempts import attempts
from tests.support.stores import free_port

SERVER_CORE, CANNON_CORE = 0, 1


@contextmanager
def target(folder: Path, mode: str, mean_ms: float = 0.0, users: int = 400, seed: int = 1) -> Iterator[BenchTarget]:
    """A known server on the first core; its arrivals are in ``folder / 'arrivals'`` after the context."""
    port = free_port()
    argv = [sys.executable, "-m", "tests.support.target", str(port), mode, str(mean_ms), str(seed)]
    with child([*argv, str(folder / "arrivals")], port, SERVER_CORE) as pid:
        yield BenchTarget(f"127.0.0.1:{port}", pid, plain_tokens(folder / "tokens", users))


class Freeze:
    """Stops a process for a second, and knows how long that became: on a busy machine whoever thaws it is late, too."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._thread = threading.Thread(target=self._freeze)
        self.begun = False
        self.lasted_ms = 0.0

    def begin(self) -> None:
        if not self.begun:
            self.begun = True
            self._thread.start()

    def ended(self) -> None:
        """Waits for the thaw."""
        if self.begun:
            self._thread.join()

    def _freeze(self) -> None:
        began_s = time.monotonic()
        os.kill(self._pid, signal.SIGSTOP)
        try:
            threading.Event().wait(1.0)
        finally:
            os.kill(self._pid, signal.SIGCONT)
            self.lasted_ms = (time.monotonic() - began_s) * 1000


def arrivals(folder: Path) -> list[int]:
    return [int(line) for line in (folder / "arrivals").read_text().split()]


def orders(at: BenchTarget, folder: Path, *segments: dict[str, Any], slots: int = 100, **more: Any) -> CannonConfig:
    """Cannon orders; ``connections`` as many as slots unless given.

    In the real-time class where that is allowed, as the servers are: what is asked is whether the clock is read right,
    and a neighbour on the core must not be part of the answer.
    """
    more.setdefault("realtime", True)
    more.setdefault("connections", slots)
    more.setdefault("cpu", CANNON_CORE)
    return CannonConfig(
        fronts=(at.address,),
        segments=segments,
        tokens=str(at.tokens),
        result=str(folder / "result.json"),
        slots=slots,
        **more,
    )


def steady(rate_rps: float, duration_s: float, phase: int = 1, **more: Any) -> dict[str, Any]:
    return {"kind": "constant", "rate_rps": rate_rps, "duration_s": duration_s, "phase": phase, **more}


def valid(fire: Callable[[], CannonResult]) -> CannonResult:
    """The first of some `attempts` that is not INVALID. A wrong figure is never asked again."""
    reasons: list[str] = []
    for _ in attempts():
        result = fire()
        if result.valid:
            return result
        reasons += result.generator["reasons"]
    pytest.fail(f"INVALID each time: {reasons}")


def fired(config: CannonConfig) -> CannonResult:
    return run_cannon(config)
