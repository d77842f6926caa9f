"""A stack that a fault disturbs, from its beginning to its end, and what is left on it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from chaos import links
from chaos.facts import FaultFacts, Timed
from chaos.library import load_faults
from chaos.nemesis import FaultNemesis
from harness.stack import Stack

ROOT = Path(__file__).parents[2]
FAULTS = load_faults()
Told = list[tuple[str, str]]


class FaultClock:
    """A fault's own time. It stands still at `stop_s` until it may go on, and then goes on from there."""

    def __init__(self, stop_s: float) -> None:
        self._stop_s, self._began, self._goes_on = stop_s, time.monotonic(), False

    def __call__(self) -> float:
        now_s = time.monotonic() - self._began
        return now_s if self._goes_on else min(now_s, self._stop_s)

    def go_on(self) -> None:
        self._began = time.monotonic() - self()
        self._goes_on = True


def disturb(
    stack: Stack, fault: str, target: str, for_s: float = 0.5, meanwhile: Callable[[], None] | None = None
) -> tuple[FaultNemesis, FaultFacts, Told]:
    """One fault from beginning to end, on a clock of its own; `meanwhile` runs once its effect was seen, and before
    half of the fault's time is over, however late this process is.
    """
    clock, told = FaultClock(for_s / 2 if meanwhile is not None else float("inf")), list[tuple[str, str]]()
    nemesis = FaultNemesis(stack.folder.path, Timed(FAULTS[fault], target, 0.0, for_s))
    nemesis.begin(lambda kind, text: told.append((kind, text)), clock)
    if meanwhile is not None:
        until = time.monotonic() + 20
        while nemesis.facts.effect_s is None and time.monotonic() < until:
            time.sleep(0.01)
        meanwhile()
        clock.go_on()
    nemesis.wait(60)
    nemesis.end()
    return nemesis, nemesis.facts, told


def toxics(stack: Stack) -> list[str]:
    """What is on the stack's proxies."""
    return [toxic.name for proxy in links.api(stack).proxies().values() for toxic in proxy.toxics]


def logs(folder: Path) -> str:
    return (folder / "logs" / "watchdog.log").read_text(errors="replace")


OWNER = """
import sys, time
from pathlib import Path
from chaos.facts import Timed
from chaos.nemesis import FaultNemesis
from chaos.library import load_faults
began = time.monotonic()
nemesis = FaultNemesis(Path(sys.argv[1]), Timed(load_faults()["N15"], "credit-postgres", 0.0, 55.0))
nemesis.begin(lambda kind, text: None, lambda: time.monotonic() - began)
nemesis.wait(60)
"""
"""A program that owns a fault on the stack of its first argument, until it is ended."""
