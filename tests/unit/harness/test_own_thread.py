"""A thread of its own: works until it is told to end, and its end is waited for."""

from __future__ import annotations

from harness.own_thread import OwnThread
from tests.support.stores import wait_until


class TurnCounter(OwnThread):
    """Counts its turns; `ended` is the last thing it does."""

    def __init__(self) -> None:
        super().__init__("counting")
        self.turns, self.ended = 0, False

    def _run(self) -> None:
        while not self._over.wait(0.001):
            self.turns += 1
        self.ended = True


def test_it_works_until_it_is_stopped() -> None:
    counting = TurnCounter()
    assert counting.turns == 0
    counting.start()
    wait_until(lambda: counting.turns > 2, 20.0, "turns")
    counting.stop()
    assert counting.ended, "its end was waited for"


def test_one_that_was_never_started_may_be_stopped() -> None:
    counting = TurnCounter()
    counting.stop()
    assert (counting.turns, counting.ended) == (0, False)
