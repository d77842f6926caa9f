"""The end of a round by control's clock: waits for it, asks for the close, asks again. Never judges by an estimated
clock whether a round is over: only control knows.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TypeVar

from harness.control_client import ControlAway, ControlClient, ControlError
from harness.errors import HarnessError

POLL_S = 0.05
CONFLICT = 409
CLOSED = "closed"

T = TypeVar("T")


def never() -> bool:
    """The default: nobody gives up."""
    return False


@contextmanager
def given_back(control: ControlClient, *round_ids: int) -> Iterator[None]:
    """Rounds that are played in the block. If the block breaks, their close is asked for at once, whatever the time.

    Without that a round would stay armed, with its budget.
    """
    try:
        yield
    except BaseException:
        for round_id in round_ids:
            with suppress(HarnessError):
                control.ask_close(round_id, before_end=True)
        raise


def over(control: ControlClient, end_us: int, deadline_s: float, give_up: Callable[[], bool] = never) -> bool:
    """Waits until control's clock has passed `end_us`; False if it has not within the deadline, or the caller gave up.

    A control that does not answer, or says that it cannot now (5xx), is asked again. Raises ControlError for a refusal.
    """
    until = time.monotonic() + deadline_s
    while not give_up():
        try:
            left_s = (end_us - control.clock_us()) / 1e6
        except (ControlAway, ControlError) as exc:
            if _refused(exc):
                raise
            left_s = POLL_S
        if left_s < 0:
            return True
        if time.monotonic() > until:
            return False
        time.sleep(min(max(left_s, POLL_S / 10), POLL_S))
    return False


def close(
    control: ControlClient,
    round_id: int,
    deadline_s: float,
    give_up: Callable[[], bool] = never,
    ask: Callable[[], object] | None = None,
) -> str:
    """Asks for the close until control accepts, then waits for its end. Empty when closed, else what is missing.

    `ask`: another way of asking than `control.ask_close(round_id)`. *Not over yet* (409), *not now* (5xx) and no answer
    are no refusals: it asks again until the deadline. Raises ControlError for any other refusal.
    """
    until, asked, missing = time.monotonic() + deadline_s, False, "control was not asked"
    while not give_up():
        try:
            if not asked:
                (ask or (lambda: control.ask_close(round_id)))()
                asked = True
            money = control.money(round_id)
            if money.state == CLOSED:
                return ""
            missing = "; ".join(money.waiting_for) or f"round {round_id} is {money.state}"
        except (ControlAway, ControlError) as exc:
            if _refused(exc):
                raise
            missing = str(exc).splitlines()[0]
        if time.monotonic() > until:
            return missing
        time.sleep(POLL_S)
    return missing


def insist(ask: Callable[[], T], until: float) -> T:
    """Control's answer, asked again until there is one, `until` a time of `time.monotonic()`. Raises control's refusal,
    or its last error; ControlAway.
    """
    while True:
        try:
            return ask()
        except (ControlAway, ControlError) as exc:
            if _refused(exc) or time.monotonic() > until:
                raise
        time.sleep(POLL_S)


def _refused(exc: Exception) -> bool:
    """May the same question get another answer later? Yes for *not yet*, and while control's ledger is away."""
    return isinstance(exc, ControlError) and exc.status < 500 and exc.status != CONFLICT
