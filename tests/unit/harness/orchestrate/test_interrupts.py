"""Signals while a run goes on: the first ends it, a later one gives up waiting, no number costs the record."""

from __future__ import annotations

import os
import signal

import pytest

from harness.orchestrate import interrupts
from harness.orchestrate.interrupts import interruptible
from harness.runs.state import RunState
from tests.support.stores import wait_until


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
        assert not signals.sealing
    assert said == ["interrupted by SIGINT"]


def test_none_interrupts_the_writing_of_the_record(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interrupts, "ONE_WISH_S", -1.0)
    said: list[str] = []
    with interruptible(said.append) as signals:
        signals.sealing = True
        press(3)
    assert len(said) == 1


@pytest.mark.timeout(20)
def test_one_that_comes_in_the_middle_of_an_event_is_told_behind_it() -> None:
    """The main thread holds the lock that telling takes: a handler that told by itself would wait for ever."""
    state = RunState("r1", "plan", "live", "1", "0" * 64, 1.0)
    with interruptible(lambda why: state.tell("interrupted", why) and None):
        with state.lock:
            press()
        wait_until(lambda: len(state.events) == 1, 10, "the event")
    assert state.events[0].text == "interrupted by SIGINT"


def test_one_that_cannot_be_told_costs_no_record(caplog: pytest.LogCaptureFixture) -> None:
    def full(why: str) -> None:
        raise OSError(28, "No space left on device")

    with interruptible(full):
        press()
    assert "could not be told" in caplog.text


def test_the_end_of_its_terminal_is_such_a_wish_unless_it_was_told_to_ignore_that() -> None:
    said: list[str] = []
    with interruptible(said.append):
        press(1, signal.SIGHUP)
    assert said == ["interrupted by SIGHUP"]
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with interruptible(said.append):
            press(1, signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
    assert len(said) == 1
