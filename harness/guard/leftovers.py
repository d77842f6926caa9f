"""Rounds that are not closed although no run plays them: a run that was killed left them armed, with their budget.
Named with the command that closes them. Closes none itself, because a person may be playing one by hand.
"""

from __future__ import annotations

from dataclasses import dataclass

from harness.control_client import ControlClient
from system.contract.api import RoundPublic


@dataclass(frozen=True, slots=True)
class LeftoverRound:
    """A round that is not closed, and how it stands to control's clock."""

    round: RoundPublic
    now_us: int

    @property
    def over(self) -> bool:
        """Its window has passed, and its opener should have closed it."""
        return self.now_us >= self.round.end_us

    def __str__(self) -> str:
        one = self.round
        if one.state == "closing":
            return f"{one.lane} round {one.round} is closing; what it waits for: xiu round list"
        when = "is over and not closed" if self.over else "is armed" if self.now_us < one.start_us else "is open"
        return f"{one.lane} round {one.round} {when}: xiu round close {one.round}"


def left(control: ControlClient) -> list[LeftoverRound]:
    """Every round that is not closed, of both lanes. Raises ControlError, ControlAway."""
    now_us = control.clock_us()
    return [LeftoverRound(one, now_us) for one in control.open_rounds()]


def meeting(rounds: list[LeftoverRound], within_s: float) -> list[LeftoverRound]:
    """Those whose window has begun, or begins within so many seconds: the fronts work on them meanwhile."""
    return [one for one in rounds if one.round.start_us <= one.now_us + within_s * 1e6]
