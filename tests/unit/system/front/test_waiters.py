"""Each waiter is told once: the win, or None at its own deadline."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from system.front.seam import SettledWin
from system.front.waiters import Waiters

WIN = SettledWin(1, 100, 7, 5)


class Clock:
    """A loop's clock and timers, stepped by hand."""

    def __init__(self) -> None:
        self.now = 100.0
        self.calls: list[tuple[float, Callable[[], object]]] = []

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, callback: Callable[[], object]) -> Any:
        self.calls.append((when, callback))
        return self.calls[-1]

    def step(self, seconds: float) -> None:
        self.now += seconds
        due = [call for call in self.calls if call[0] <= self.now]
        self.calls = [call for call in self.calls if call[0] > self.now]
        for _, callback in due:
            callback()


def test_a_settled_win_is_told_to_all_who_wait_and_nothing_more_later() -> None:
    clock, told = Clock(), []
    waiters = Waiters(0.5, clock)
    waiters.add(1, told.append)
    clock.step(0.3)
    waiters.add(1, told.append)
    waiters.settle(1, WIN)
    assert told == [WIN, WIN]
    clock.step(5)
    assert told == [WIN, WIN]
    assert clock.calls == []


def test_each_has_its_own_deadline() -> None:
    clock = Clock()
    told: list[tuple[str, SettledWin | None]] = []
    waiters = Waiters(0.5, clock)
    waiters.add(1, lambda win: told.append(("first", win)))
    clock.step(0.3)
    waiters.add(1, lambda win: told.append(("second", win)))
    clock.step(0.21)
    assert told == [("first", None)]
    waiters.settle(1, WIN)
    assert told == [("first", None), ("second", WIN)]


def test_a_waiter_that_breaks_does_not_keep_the_others_from_their_answers() -> None:
    def broken(win: SettledWin | None) -> None:
        raise ConnectionResetError

    clock, told = Clock(), []
    waiters = Waiters(0.5, clock)
    waiters.add(1, broken)
    waiters.add(1, told.append)
    waiters.settle(1, WIN)
    assert told == [WIN]


def test_a_waiter_that_comes_back_at_once_waits_a_whole_deadline_more() -> None:
    clock, told = Clock(), []
    waiters = Waiters(0.5, clock)
    waiters.add(1, lambda win: waiters.add(1, told.append))
    clock.step(0.5)
    assert len(clock.calls) == 1
    clock.step(0.4)
    assert told == []
    clock.step(0.1)
    assert told == [None]


def test_closing_tells_everybody_left() -> None:
    async def scenario() -> list[SettledWin | None]:
        told: list[SettledWin | None] = []
        waiters = Waiters(60, asyncio.get_running_loop())
        waiters.add(1, told.append)
        waiters.add(2, told.append)
        waiters.close()
        return told

    assert asyncio.run(scenario()) == [None, None]
