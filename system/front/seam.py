"""The seam inside the front: the draw path (protocol, admission, draw) reads a round through this; the
award path keeps it.

Everything runs on one event loop, so no locks. The draw path never awaits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from system.contract.ids import Lane
from system.contract.switches import Tables

NEVER = 1 << 62
"""An opening that does not come: gate shut, sold out, not ready, clock not trusted."""


@dataclass(frozen=True, slots=True)
class Win:
    """A settled win. `sponsor` is the id, `time_us` the authority's time of the award."""

    packet: int
    fen: int
    sponsor: int
    time_us: int


Waiter = Callable[[Win | None], None]
"""Told once: the settled win, or None when the answer must be `202 pending`. Called on the event loop,
also never early.
"""


class DrawRound(Protocol):
    """One round as the draw path sees it. Plain attributes, so that a losing tap costs lookups alone."""

    round_id: int
    lane: Lane
    start_us: int
    end_us: int
    closed: bool
    """Closed in the ledger: every tap gets 410."""
    opening_us: int
    """Authority's time from which the next eligible tap wins; NEVER while there is none."""
    settled: dict[int, Win]
    """Wins answered 200, by user, until the round is closed."""
    pending: dict[int, Win]
    """Reserved, append not yet durable, by user."""

    def award(self, uid: int, now_us: int, waiter: Waiter) -> bool:
        """The tap of `uid` takes the opening: reserves the user, queues the append, and tells `waiter` later.

        Precondition: now_us ≥ opening_us, the user is in neither dict. False: no packet after all, answer a loss.
        """
        ...

    def join(self, uid: int, waiter: Waiter) -> None:
        """A further tap of a user who is in `pending`: told the same as the first, or None at its own deadline."""
        ...


class Front(Protocol):
    """What the draw path needs of the front as a whole; kept by the award path (sync with control)."""

    rounds: dict[int, DrawRound]
    """Every round served, by id, all lanes; closed rounds stay for a minute."""
    switches: Tables
    """By lane. Replaced as a whole at a change; the draw path may cache by identity."""
    serving: bool
    """False until the first rounds are known and rebuilt, and once superseded or stopping: every tap that is genuine
    gets 503, effect none.
    """

    def now_us(self) -> int:
        """The authority's time."""
        ...

    def knows(self, round_id: int) -> bool:
        """Whether a round that is not among `rounds` certainly is none: control was heard just now, and this is not one
        whose winners are still being looked up.
        """
        ...
