"""Signals while a run goes on: the first ends it, a later one gives up waiting, no number costs the record."""

from __future__ import annotations

import os
import signal

import pytest

from harness.orchestrate import interrupts
from harness.orchestrate.interrupts import interruptible


def press(times: int = 1, number: int = signal.SIGINT) -> None:
    for _ in range(times):
        os.kill(os.getpid(), number)


def test_many_at_once_are_one_wish() -> None:
    said: list[str] = []
    before = signal.getsignal(signal.SIGINT)
    with interruptible(said.append):
        press(4)
        press(1, signal.SIGTERM)
    assert said == ["interrupted by SIGINT"]
    assert signal.getsignal(signal.SIGINT) is before


def test_a_later_one_gives_up_waiting_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interrupts, "ONE_WISH_S", -1.0)
    said: list[str] = []
    with interruptible(said.append) as signals:
        press()
        with pytest.raises(KeyboardInterrupt):
            press()
        press(3)
        assert said == ["interrupted by SIGINT"]
        assert not signals.sealing


def test_none_interrupts_the_writing_of_the_record(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interrupts, "ONE_WISH_S", -1.0)
    said: list[str] = []
    with interruptible(said.append) as signals:
        signals.sealing = True
        press(3)
    assert len(said) == 1
