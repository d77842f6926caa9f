"""The interface inside the front: the draw path (protocol, admission, draw) reads a round through it; the award path
keeps it up to date.

Everything runs on one event loop, so there are no locks. The draw path never awaits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from system.contract.ids import Lane
from system.contract.switches import Tables

NEVER = 1 << 62
"""An opening that does not come: gate shut, sold out, not ready, or clock not trusted."""


@dataclass(frozen=True, slots=True)
class SettledWin:
    """A settled win. `sponsor` is the id, `time_us` control's time of the award."""

    packet: int
    fen: int
    sponsor: int
    time_us: int


Waiter = Callable[[SettledWin | None], None]
"""Called once, with the settled win, or with None when the answer must be `202 pending`. On the event loop, perhaps at
once.
"""


class DrawRound(Protocol):
    """One round as the draw path sees it. Plain attributes, so that a losing tap costs lookups alone."""

    round_id: int
    lane: Lane
    start_us: int
    end_us: int
    season: int
    """Whose tickets losing taps may carry; 0: none."""
    closed: bool
    """Closed in the ledger: every tap gets 410."""
    opening_us: int
    """Control's time from which the next eligible tap wins; NEVER while there is none."""
    settled: dict[int, SettledWin]
    """Wins answered 200, by user, until the round is closed."""
    pending: dict[int, SettledWin]
    """Reserved, append not yet durable, by user."""

    def award(self, uid: int, now_us: int, waiter: Waiter) -> bool:
        """The tap of `uid` takes the opening: reserves the user, queues the append, and calls `waiter` later.

        Precondition: now_us ≥ opening_us, the user is in neither dict. False: there is no packet after all, answer a
        loss.
        """
        ...

    def join(self, uid: int, waiter: Waiter) -> None:
        """A further tap of a user who is in `pending`: gets the same result as the first, or None at its own
        deadline.
        """
        ...


class FrontContext(Protocol):
    """What the draw path needs of the front as a whole; kept by the award path (sync with control)."""

    rounds: dict[int, DrawRound]
    """Every round served, by id, all lanes; closed rounds stay for a minute."""
    switches: Tables
    """By lane. Replaced as a whole at a change; the draw path may cache by identity."""
    serving: bool
    """False until the first rounds are known and rebuilt, and once superseded or stopping: every genuine tap gets 503,
    effect none.
    """

    def now_us(self) -> int:
        """Control's time."""
        ...

    def knows(self, round_id: int) -> bool:
        """Is a round that is not among `rounds` certainly none? Yes if control was heard just now, and it is not a
        round whose winners are still being looked up.
        """
        ...
